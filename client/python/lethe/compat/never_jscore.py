# SPDX-License-Identifier: Apache-2.0
"""The words of the package never_jscore: `from lethe.compat import never_jscore`."""
from __future__ import annotations

import os
from typing import Any, Optional, Sequence

from . import program

__all__ = ["Context", "JSEngine"]


class Context:
    """Compiled code and calls to it. Each call starts with what the code alone has made: nothing is left of the one before.

    `deadline`: seconds for each call; None: the pool's holds.
    """

    def __init__(self, enable_extensions: bool = True, enable_logging: bool = False, random_seed: Optional[int] = None,
                 enable_node_compat: bool = False, *, deadline: Optional[float] = None) -> None:
        if random_seed is not None:
            raise NotImplementedError("Lethe has no random_seed: replace Math.random in the code that you compile")
        self._source = ""
        self._node_globals = enable_node_compat
        self._deadline = deadline

    def compile(self, code: str) -> None:
        """Adds code. It is run now, and its effects are there for each call."""
        source = f"{self._source}\n{code}" if self._source else code
        program(source, self._node_globals)
        self._source = source

    def evaluate(self, code: str, auto_await: bool = True) -> Any:
        return program(self._source, self._node_globals).evaluate(code, auto_await, self._deadline)

    def eval(self, code: str, return_value: bool = False, auto_await: bool = True) -> Any:
        """As compile(); with `return_value` as evaluate(), and then nothing of it stays."""
        return self.evaluate(code, auto_await) if return_value else self.compile(code)

    def call(self, name: str, args: Sequence[Any] = (), auto_await: bool = True) -> Any:
        return program(self._source, self._node_globals).call(name, list(args), auto_await, self._deadline)

    def gc(self) -> None:
        """Nothing: memory is put back after each call."""

    def __getattr__(self, name: str) -> Any:
        advice = _NOT_HERE.get(name)
        if advice is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        raise NotImplementedError(f"{name}: {advice}")

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        pass


_NOT_HERE = {
    "get_hook_data": "there is no $return and no $terminate; throw the data, and take it from ScriptError.value",
    "clear_hook_data": "there is no $return and no $terminate",
    "get_stats": "ask for lethe.Report() with a call of lethe.Connection",
    "reset_stats": "nothing is counted here",
    "get_heap_statistics": "ask for lethe.Report() with a call of lethe.Connection: heap_kb",
    "take_heap_snapshot": "the command `lethe heap` writes one",
}


class JSEngine:
    """Code that any number of threads and processes call. `workers` is kept and asks for nothing: the pool is the daemon's."""

    def __init__(self, js_code: str, workers: Optional[int] = None, enable_extensions: bool = True,
                 enable_node_compat: bool = False, *, deadline: Optional[float] = None) -> None:
        self.workers = workers or os.cpu_count() or 1
        self._source, self._node_globals, self._deadline = js_code, enable_node_compat, deadline
        program(js_code, enable_node_compat)

    def call(self, function_name: str, args: Sequence[Any] = ()) -> Any:
        return program(self._source, self._node_globals).call(function_name, list(args), True, self._deadline)

    def execute(self, code: str) -> Any:
        return program(self._source, self._node_globals).evaluate(code, True, self._deadline)

    def __enter__(self) -> JSEngine:
        return self

    def __exit__(self, *_: object) -> None:
        pass
