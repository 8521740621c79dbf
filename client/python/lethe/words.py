# SPDX-License-Identifier: Apache-2.0
"""What can be said to a daemon: the same words for the connection that waits and for the one of asyncio."""
from __future__ import annotations

import os
import pathlib
import time
import weakref
from typing import Any, Callable, Dict, Generator, Iterable, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from . import errors, response
from .session import Retry

DEFAULT_SOCKET = "/run/lethe/lethe.sock"

Function = TypeVar("Function", bound=Callable[..., Any])
# Asks [method, params, deadline, options] one after the other and returns the last result.
Steps = Generator[Tuple[str, Tuple[Any, ...], Optional[float], Optional[Dict[str, Any]]], Any, Any]


def socket_path(given: Optional[Union[str, "os.PathLike[str]"]]) -> str:
    return os.fspath(given) if given is not None else os.environ.get("LETHE_SOCKET") or DEFAULT_SOCKET


class Words:
    """Requests. Those of lethe.Connection return their results, those of lethe.aio.Connection are awaited.

    `deadline` is in seconds and counts from now: connecting, queueing, running and the reply. Without one the script's or the
    pool's holds. Further keywords of eval, call and chain are the protocol's options (pool, cpu_ms, memory_mb, isolation, globals,
    trace, idempotent) and this package's: `report` (a Report), `cancel` (a Cancellation).
    All raise LetheError, by its classes.
    """

    def __init__(self, path: str, connect_timeout: float, retry: Optional[Retry], max_in_flight: int,
                 max_message_bytes: int) -> None:
        self.socket = path  # where the daemon listens
        self._connect_timeout, self._retry = connect_timeout, retry
        self._max_in_flight, self._max_message_bytes = max_in_flight, max_message_bytes
        self._closed = False
        self._hosts: Dict[str, Callable[..., Any]] = {}

    def _ask(self, method: str, params: Tuple[Any, ...], deadline: Optional[float], options: Optional[Dict[str, Any]]) -> Any:
        raise NotImplementedError

    def _drive(self, steps: Steps) -> Any:
        raise NotImplementedError

    def _after_fork(self) -> None:
        """In a forked child: the socket is the parent's."""
        raise NotImplementedError

    def eval(self, source: str, *, deadline: Optional[float] = None, **options: Any) -> Any:
        """The value of the last expression; a promise is awaited. `globals`: a dict of global variables."""
        return self._ask("eval", (source,), deadline, options)

    def call(self, script: str, function: str, *args: Any, deadline: Optional[float] = None, **options: Any) -> Any:
        """What the function of a script that was put before returns."""
        return self._ask("call", (script, function, args), deadline, options)

    def fetch(self, script: Union[str, Script], url: str, *, method: Optional[str] = None,
              headers: Union[Mapping[str, str], Iterable[Tuple[str, str]], None] = None, body: Union[bytes, str, None] = None,
              env: Optional[Mapping[str, Any]] = None, function: str = "default.fetch", deadline: Optional[float] = None,
              **options: Any) -> Any:
        """What a Workers-like module, `export default { fetch(request, env, ctx) }`, answers to a request: a Response.

        `script` is a name or a handle. Without `method` it is POST if there is a body, else GET. What the function has given to
        `ctx.waitUntil()` is done when this returns.
        """
        asked = {"url": url, "method": method or ("GET" if body is None else "POST"), "body": body,
                 "headers": [list(pair) for pair in (headers.items() if isinstance(headers, Mapping) else headers or ())]}
        handle = script if isinstance(script, Script) else Script(self, script, None, {})
        return self._drive(handle._fetch_steps(function, (asked, env), deadline, {**options, "fetch": True}))

    def chain(self, steps: Iterable[Tuple[str, str]], value: Any = None, *, deadline: Optional[float] = None,
              **options: Any) -> Any:
        """Passes `value` through the functions [(script, function), …] in turn, as one request."""
        return self._ask("chain", (list(steps), value), deadline, options)

    def put(self, name: str, source: str, **options: Any) -> Any:
        """Registers a script, durably. Options as script.put has them: module, warm_up, deadline_ms, …

        Returns {name, version, generation}. Raises CompileError; Forbidden for who may not write scripts.
        """
        return self._ask("script.put", (name, source, options), None, None)

    def script(self, name: str, source: Optional[str] = None, path: Optional[Union[str, "os.PathLike[str]"]] = None,
               module: bool = False, **options: Any) -> Script:
        """A script as an object: `login = js.script("acme/login", path="login.js")`, then `login.onLogin(user, deadline=0.1)`.

        With `source` or `path` it is put when it is first called, if the daemon doesn't have exactly that, and again whenever the
        daemon has lost it.
        """
        if path is not None:
            source = pathlib.Path(path).read_text("utf-8")
        if module:
            options["module"] = True
        return Script(self, name, source, options)

    def host(self, name: Union[str, Mapping[str, Callable[..., Any]]]) -> Callable[[Function], Function]:
        """Lets scripts call a function: `@js.host("db.get")`, or `js.host({"db.get": function, …})`.

        A script's `await host.call("db.get", …)` calls it with these arguments and gets its result. What it raises is an Error in
        the script. It may call scripts itself.
        """
        def register(function: Function) -> Function:
            if isinstance(name, str):
                self._hosts[name] = function
            return function

        if not isinstance(name, str):
            self._hosts.update(name)
        return register

    def ping(self, *, deadline: Optional[float] = None) -> Any:
        """{name: "lethe", version, v8, tzdata, pid, uptime_s} of the daemon."""
        return self._ask("ping", (), deadline, None)

    def request(self, method: str, *params: Any, deadline: Optional[float] = None) -> Any:
        """Any method of the protocol: `js.request("script.list", {})`, `js.request("stats")`."""
        return self._ask(method, params, deadline, None)


# Those that are to be told of a fork.
connections: weakref.WeakSet[Words] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for connection in list(connections):
        connection._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)


class Script:
    """A script's handle. Its attributes are its functions: `handle.onLogin(user, deadline=0.1)`.

    A function whose name is one of this class is called by `handle.call("put", …)`.
    """

    def __init__(self, words: Words, name: str, source: Optional[str], options: Dict[str, Any]) -> None:
        self._words, self._name, self._source, self._options = words, name, source, options
        self._known = source is None

    def __getattr__(self, function: str) -> Callable[..., Any]:
        if function.startswith("__"):
            raise AttributeError(function)
        return lambda *args, **options: self.call(function, *args, **options)

    def __repr__(self) -> str:
        return f"<lethe script {self._name}>"

    def call(self, function: str, *args: Any, deadline: Optional[float] = None, **options: Any) -> Any:
        """As the connection's call()."""
        if self._source is None:
            return self._words._ask("call", (self._name, function, args), deadline, options)
        return self._words._drive(self._call_steps(function, args, deadline, options))

    def ensure(self) -> Any:
        """Puts it unless the daemon has exactly this: what the first call does."""
        return self._words._drive(self._put_steps(lambda: None))

    def put(self) -> Any:
        """Puts it now, whatever the daemon has."""
        if self._source is None:
            raise ValueError(f"the handle of {self._name} has no source: js.script(name, source=… or path=…)")
        return self._words.put(self._name, self._source, **self._options)

    def _call_steps(self, function: str, args: Tuple[Any, ...], deadline: Optional[float], options: Dict[str, Any]) -> Steps:
        end = None if deadline is None else time.monotonic() + deadline

        def left() -> Optional[float]:
            return None if end is None else end - time.monotonic()

        if not self._known:
            yield from self._put_steps(left)
        try:
            return (yield "call", (self._name, function, args), left(), dict(options))
        except errors.NotFound as error:
            if error.kind != "script" or error.name != self._name:
                raise
        yield from self._put_steps(left)  # it has not run: the daemon has lost it
        return (yield "call", (self._name, function, args), left(), dict(options))

    def _fetch_steps(self, *call: Any) -> Steps:
        return response.from_map((yield from self._call_steps(*call)))

    def _put_steps(self, left: Callable[[], Optional[float]]) -> Steps:
        """Puts it unless the daemon has it, with this source and these options."""
        try:
            there = yield "script.get", (self._name,), left(), None
        except errors.NotFound:
            there = {}
        except errors.Forbidden:  # who may not write scripts takes what there is
            self._known = True
            return
        if not self._same(there):
            yield "script.put", (self._name, self._source, self._options), left(), None
        self._known = True

    def _same(self, there: Dict[str, Any]) -> bool:
        options = dict(self._options)
        options.pop("warm_up_must_be_pure", None)
        pool = options.pop("pool", None) or "default"
        stored = there.get("options", {})
        return (there.get("source") == self._source and "error" not in there and there.get("pool") == pool
                and all(_plain(stored.get(key)) == _plain(value) for key, value in options.items())
                and not (stored.keys() - options.keys()))


def _plain(value: Any) -> Any:
    """As it comes back from the daemon: tuples as lists."""
    return [_plain(each) for each in value] if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else value
