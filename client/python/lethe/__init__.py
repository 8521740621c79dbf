# SPDX-License-Identifier: Apache-2.0
"""JavaScript in Lethe, from Python.

    import lethe

    with lethe.connect() as js:
        js.eval("6 * 7")                                      # 42
        login = js.script("acme/login", path="login.js")
        login.onLogin({"name": "Ada"}, deadline=0.1)          # DeadlineExceeded after 0.1 s

lethe.aio has the same words for asyncio.
"""
from .errors import (
    Busy, Cancelled, CompileError, ConnectionLost, DeadlineExceeded, Forbidden, InternalError, InvalidRequest, InvalidValue,
    LetheError, MemoryLimit, NotFound, Quarantined, SandboxViolation, ScriptError, ShuttingDown, TooLarge, WorkerCrashed,
)
from .response import Response
from .session import Cancellation, ConsoleLine, Report, Retry
from .sync import Connection, connect
from .words import Script

__version__ = "0.1.0"
__all__ = [
    "Busy", "Cancellation", "Cancelled", "CompileError", "Connection", "ConnectionLost", "ConsoleLine", "DeadlineExceeded",
    "Forbidden", "InternalError", "InvalidRequest", "InvalidValue", "LetheError", "MemoryLimit", "NotFound", "Quarantined",
    "Report", "Response", "Retry", "SandboxViolation", "Script", "ScriptError", "ShuttingDown", "TooLarge", "WorkerCrashed", "connect",
]
