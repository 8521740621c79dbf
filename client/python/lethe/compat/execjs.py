# SPDX-License-Identifier: Apache-2.0
"""The words of the package PyExecJS: `from lethe.compat import execjs`."""
from __future__ import annotations

import json
from typing import Any, Dict, Optional

from .. import errors
from . import connection

__all__ = ["Error", "ProcessExitedWithNonZeroStatus", "ProgramError", "Runtime", "RuntimeError", "RuntimeUnavailableError",
           "available_runtimes", "compile", "eval", "exec_", "get", "get_from_environment", "runtimes"]


class Error(Exception):
    """Any error. Its `__cause__` is Lethe's, which knows more."""


class RuntimeError(Error):
    """The code does not compile, or it was ended: by its deadline, its memory limit or a crash."""


class RuntimeUnavailableError(RuntimeError):
    """There is no daemon."""


class ProcessExitedWithNonZeroStatus(RuntimeError):
    """Never raised: there is no process to exit. For who catches it."""


class ProgramError(Error):
    """The code has thrown."""


RuntimeUnavailable = RuntimeUnavailableError


class Context:
    """Source that is evaluated before each of the following, as PyExecJS does it."""

    def __init__(self, source: str = "") -> None:
        self._source = source

    def is_available(self) -> bool:
        return get().is_available()

    def eval(self, source: str) -> Any:
        inner = f"'(' + {json.dumps(source)} + ')'" if source.strip() else "''"
        return self.exec_(f"return eval({inner})")

    def exec_(self, source: str) -> Any:
        try:
            text = connection().eval(f"JSON.stringify((function() {{ {self._source}\n{source}\n}})())")
        except errors.ScriptError as error:
            what = f"{error.name}: {error.message}" if error.name else error.message
            raise (RuntimeError if error.name == "SyntaxError" else ProgramError)(what) from error
        except errors.ConnectionLost as error:
            raise (RuntimeError if error.sent else RuntimeUnavailableError)(str(error)) from error
        except errors.LetheError as error:
            raise RuntimeError(str(error)) from error
        return None if text is None else json.loads(text)

    def call(self, name: str, *args: Any) -> Any:
        return self.eval(f"{name}.apply(this, {json.dumps(args)})")


class Runtime:
    """The only one."""

    name = "Lethe"

    def exec_(self, source: str) -> Any:
        return Context().exec_(source)

    def eval(self, source: str) -> Any:
        return Context().eval(source)

    def compile(self, source: str, cwd: Optional[str] = None) -> Context:
        """`cwd` means nothing: there are no files."""
        return Context(source)

    def is_available(self) -> bool:
        try:
            connection().ping()
        except errors.LetheError:
            return False
        return True


_runtime = Runtime()


def get(name: Optional[str] = None) -> Runtime:
    """The runtime, whatever the name of another is."""
    return _runtime


def get_from_environment() -> Runtime:
    return _runtime


def runtimes() -> Dict[str, Runtime]:
    return {_runtime.name: _runtime}


def available_runtimes() -> Dict[str, Runtime]:
    return runtimes() if _runtime.is_available() else {}


exec_, eval, compile = _runtime.exec_, _runtime.eval, _runtime.compile
