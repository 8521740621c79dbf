# SPDX-License-Identifier: Apache-2.0
"""Other packages' words for this one, so that an application changes its import: never_jscore, execjs.

What the same code does here, and what it can't: client/python/README.md.
"""
from __future__ import annotations

import functools
import hashlib
import json
import threading
from typing import Any, Dict, Optional

from .. import errors
from ..sync import Connection, connect

__all__ = ["connection", "use"]

_lock = threading.Lock()
_connection: Optional[Connection] = None

# In the scope of the script, so that it sees what was declared there. JSON, as those packages have it: a Date is text, NaN None.
_HELPERS = """
;async function __lethe_evaluate(code, wait) { const value = (0, eval)(code); return JSON.stringify(wait ? await value : value); }
async function __lethe_call(path, args, wait) {
  const value = new Function('args', `return ${path}(...args)`)(args);
  return JSON.stringify(wait ? await value : value);
}"""


def use(connection: Connection) -> None:
    """Takes this connection for all that follows."""
    global _connection
    _connection = connection
    program.cache_clear()


def connection() -> Connection:
    """What use() was given; else the machine's service; else, where there is none, a daemon of this process."""
    global _connection
    with _lock:
        if _connection is None:
            try:
                _connection = connect(connect_timeout=0)
            except errors.ConnectionLost:
                _connection = connect(private=True)
        return _connection


class Program:
    """Source with what was declared in it. All who have the same source share one script."""

    def __init__(self, source: str, node_globals: bool) -> None:
        self._source = source + _HELPERS
        options: Dict[str, Any] = {"node_globals": True} if node_globals else {}
        digest = hashlib.sha256(f"{node_globals} {source}".encode("utf-8", "surrogatepass")).hexdigest()
        self._script = connection().script(f"compat/{digest[:32]}", self._source, **options)
        self._stored = True

    def evaluate(self, code: str, wait: bool, deadline: Optional[float]) -> Any:
        return self._run("__lethe_evaluate", (code, wait), deadline)

    def call(self, path: str, args: Any, wait: bool, deadline: Optional[float]) -> Any:
        return self._run("__lethe_call", (path, args, wait), deadline)

    def _run(self, function: str, args: Any, deadline: Optional[float]) -> Any:
        if self._stored:
            try:
                return _from_json(self._script.call(function, *args, deadline=deadline))
            except errors.Forbidden:  # who may not write scripts sends the source with each request
                self._stored = False
            except errors.NotFound as error:
                if error.kind != "script":
                    raise
                self._stored = False
        return _from_json(connection().eval(f"{self._source}\n{function}(...__lethe_arguments)", deadline=deadline,
                                            globals={"__lethe_arguments": args}))


@functools.lru_cache(maxsize=64)
def program(source: str, node_globals: bool = False) -> Program:
    """Raises what its top level throws, or what keeps it from compiling."""
    made = Program(source, node_globals)
    made.evaluate("0", True, None)
    return made


def _from_json(text: Optional[str]) -> Any:
    return None if text is None else json.loads(text)
