# SPDX-License-Identifier: Apache-2.0
"""What a Workers-like module answers: see fetch() of a connection."""
from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Optional, Tuple


class Response(NamedTuple):
    """`headers` are pairs in their order, with names in lower case; `body` is b"" where there is none."""

    status: int
    status_text: str
    headers: List[Tuple[str, str]]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is one of success, 200 to 299."""
        return 200 <= self.status <= 299

    def header(self, name: str) -> Optional[str]:
        """The values of a header, joined by ", "; None if there is none."""
        values = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(values) if values else None

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)


def from_map(answer: Dict[str, Any]) -> Response:
    """Of what the daemon gives."""
    headers = [(name, value) for name, value in answer["headers"]]
    return Response(answer["status"], answer["statusText"], headers, answer["body"] or b"")
