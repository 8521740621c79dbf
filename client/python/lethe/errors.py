# SPDX-License-Identifier: Apache-2.0
"""What goes wrong, as classes: one for each code of the protocol, all below LetheError."""
from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple, Type

__all__ = [
    "LetheError", "ScriptError", "CompileError", "DeadlineExceeded", "MemoryLimit", "WorkerCrashed", "SandboxViolation",
    "Quarantined", "InvalidValue", "NotFound", "Busy", "TooLarge", "Forbidden", "Cancelled", "ShuttingDown", "InvalidRequest",
    "InternalError", "ConnectionLost", "from_reply",
]


class LetheError(Exception):
    """Any error of a request.

    `code` is the protocol's ("script_error", …), `message` says what happened and what to do, `details` are all keys that came
    with it. `step` is the step of a chain that failed, from 0, else None.
    """

    code: str = "internal"
    step: Optional[int]
    _keys: Tuple[str, ...] = ()  # of `details`, which are attributes, too: None where they did not come

    def __init__(self, message: str, details: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: Dict[str, Any] = dict(details or {})
        self.code = self.details.get("code", type(self).code)
        for key in ("step", *self._keys):
            setattr(self, key, self.details.get(key))

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.message, self.details)


class ScriptError(LetheError):
    """The script threw, or its promise was rejected.

    `name` is JavaScript's ("TypeError"; None if no Error was thrown, and then `value` is what was thrown), `stack` its stack,
    `script`, `line` and `column` its place (`place` as one text), `properties` the Error's own properties. `cause` and the
    elements of `errors` are ScriptErrors, or values that are no Errors. A cause that is an Error is also Python's `__cause__`.
    """

    code = "script_error"
    name: Optional[str]
    stack: Optional[str]
    script: Optional[str]
    line: Optional[int]
    column: Optional[int]
    _keys = ("name", "stack", "script", "line", "column")

    def __init__(self, message: str, details: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(message, details)
        known = self.details
        own = known.get("value")
        self.value: Any = own if self.name is None else None
        self.properties: Dict[Any, Any] = own if self.name is not None and isinstance(own, dict) else {}
        self.cause: Any = _thrown(known["cause"]) if "cause" in known else None
        self.errors: List[Any] = [_thrown(each) for each in known.get("errors", ())]
        if isinstance(self.cause, ScriptError):
            self.__cause__ = self.cause

    @property
    def place(self) -> Optional[str]:
        """Where it was thrown, "acme/login:3:35"; None if that is not known."""
        return None if self.script is None else ":".join(str(part) for part in (self.script, self.line, self.column) if part)

    def __str__(self) -> str:
        text = f"{self.name}: {self.message}" if self.name else self.message
        return f"{text} ({self.place})" if self.place else text


def _thrown(value: Any) -> Any:
    if isinstance(value, dict) and "message" in value and "name" in value:
        return ScriptError(str(value["message"]), {**value, "code": "script_error"})
    return value


class CompileError(LetheError):
    """The script does not compile, or a module isn't found. `script`, `line`, `column`, `source_line`: where."""

    code = "compile_error"
    script: Optional[str]
    line: Optional[int]
    column: Optional[int]
    source_line: Optional[str]
    _keys = ("script", "line", "column", "source_line")


class DeadlineExceeded(LetheError, TimeoutError):
    """No result in time.

    `phase` is "running", "queued" or "loading" as the daemon tells; "connecting" if the time was over before the request could be
    sent, so that it was not run; "waiting" if the daemon did not keep the deadline. `limit` is "deadline" or "cpu", `stack` where
    the script was, if that is known.
    """

    code = "deadline_exceeded"
    phase: Optional[str]
    limit: Optional[str]
    stack: Optional[str]
    _keys = ("phase", "limit", "stack")


class MemoryLimit(LetheError):
    """The script wanted more than its `limit_mb`."""

    code = "memory_limit"
    limit_mb: Optional[int]
    stack: Optional[str]
    _keys = ("limit_mb", "stack")


class WorkerCrashed(LetheError):
    """The worker died, through its script's fault or another's: by `signal`, or with exit `status`."""

    code = "worker_crashed"
    signal: Any
    status: Optional[int]
    _keys = ("signal", "status")


class SandboxViolation(WorkerCrashed):
    """The worker tried what the sandbox forbids."""

    code = "sandbox_violation"


class Quarantined(LetheError):
    """This script has crashed too often; it isn't run until an administrator releases it or another version is put."""

    code = "quarantined"


class InvalidValue(LetheError, ValueError):
    """A value that can't be sent or received. `path` is where it is, "$.user.tags[3]"."""

    code = "invalid_value"
    path: Optional[str]
    _keys = ("path",)

    def __str__(self) -> str:
        return f"{self.message} (at {self.path})" if self.path else self.message


class NotFound(LetheError):
    """There is no such script, function or pool: `kind`, `name`."""

    code = "not_found"
    kind: Optional[str]
    name: Optional[str]
    _keys = ("kind", "name")


class Busy(LetheError):
    """Refused because something is full (`limit` says what); it was not run. `retry_after`: seconds, if the daemon can tell."""

    code = "overloaded"
    limit: Optional[str]
    _keys = ("limit",)

    def __init__(self, message: str, details: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(message, details)
        after = self.details.get("retry_after_ms")
        self.retry_after: Optional[float] = None if after is None else after / 1000


class TooLarge(LetheError):
    """A message or a result of more than `limit_bytes`."""

    code = "too_large"
    limit_bytes: Optional[int]
    _keys = ("limit_bytes",)


class Forbidden(LetheError):
    """This user may not do that."""

    code = "forbidden"


class Cancelled(LetheError):
    """The request was cancelled, by a Cancellation or because its connection was closed."""

    code = "cancelled"


class ShuttingDown(LetheError):
    """The daemon is stopping, or the pool is drained; it was not run."""

    code = "shutting_down"


class InvalidRequest(LetheError):
    """A parameter or an option that isn't allowed."""

    code = "invalid_request"


class InternalError(LetheError):
    """A defect of Lethe, or of the machine; the daemon's log has more."""

    code = "internal"


class ConnectionLost(LetheError, ConnectionError):
    """The connection ended before the reply came. `sent`: False if the script was surely not run, True if it may have been."""

    code = "connection_lost"

    def __init__(self, message: str, details: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__(message, details)
        self.sent: bool = self.code == "connection_lost"


_CLASSES: Dict[str, Type[LetheError]] = {
    each.code: each
    for each in (
        ScriptError, CompileError, DeadlineExceeded, MemoryLimit, WorkerCrashed, SandboxViolation, Quarantined, InvalidValue,
        NotFound, Busy, TooLarge, Forbidden, Cancelled, ShuttingDown, InvalidRequest, InternalError,
    )
}
_CLASSES["unknown_method"] = InvalidRequest


def from_reply(error: Any) -> LetheError:
    """The error of a reply as an exception; one of a later version, with an unknown code, is a LetheError."""
    if not isinstance(error, dict):
        return LetheError(str(error))
    return _CLASSES.get(str(error.get("code")), LetheError)(str(error.get("message", "")), error)


def lost(message: str, *, sent: bool) -> ConnectionLost:
    return ConnectionLost(message, {"code": "connection_lost" if sent else "unreachable"})


def late(message: str, phase: str) -> DeadlineExceeded:
    return DeadlineExceeded(message, {"phase": phase, "limit": "deadline"})
