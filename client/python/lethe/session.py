# SPDX-License-Identifier: Apache-2.0
"""A connection's conversation without its socket: which bytes to send, and what received bytes mean.

Both clients share it. It does no input or output, knows no threads and no event loop: who uses it sees to that.
"""
from __future__ import annotations

import math
import random
import time
from collections import deque
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Tuple

import msgpack

from . import errors, values
from .errors import LetheError

MAX_MESSAGE_BYTES = 16 * 1024 * 1024  # the daemon closes a connection that sends more, unless it is configured so
MAX_IN_FLIGHT = 256  # more it refuses
SLACK = 1.0  # seconds beyond a deadline after which a daemon that hasn't kept it isn't waited for any longer

# What Session.receive() raises for bytes that are not of this protocol.
NOT_UNDERSTOOD = (ValueError, TypeError, LookupError, RecursionError)

_METHODS = {method: values.pack(method) for method in ("call", "eval", "chain")}


class ConsoleLine(NamedTuple):
    """What a script has written with console.log() and its kin. `level`: log, info, warn, error, debug, trace."""

    level: str
    text: str


class Report:
    """What a request tells besides its result: give it one as `report=`, and read it afterwards, also after an error.

    `console` is a list of ConsoleLine; `stats` a dict of queue_us, run_us, cpu_us, rewind_us (of the request before in the same
    worker), heap_kb, generation, worker; empty if the daemon sent none.
    """

    def __init__(self, *, console: bool = True, stats: bool = True) -> None:
        self.wanted = {"console": console, "stats": stats}
        self.console: List[ConsoleLine] = []
        self.stats: Dict[str, int] = {}


class Cancellation:
    """Ends requests from elsewhere, another thread for instance: give it to them as `cancel=`. They raise Cancelled."""

    def __init__(self) -> None:
        self.cancelled = False
        self._actions: Dict[int, Callable[[], None]] = {}

    def cancel(self) -> None:
        """Cancels all requests that have it, and those that will get it."""
        self.cancelled = True
        for action in list(self._actions.values()):
            action()

    def attach(self, call: Call, action: Callable[[], None]) -> None:
        self._actions[id(call)] = action
        if self.cancelled:
            action()

    def detach(self, call: Call) -> None:
        self._actions.pop(id(call), None)


class Retry:
    """When an idempotent request is repeated, and after how long. Subclass it for another policy.

    It is asked about requests with the option `idempotent=True` only, as others are never repeated.
    """

    def __init__(self, attempts: int = 3, first_delay: float = 0.05, longest_delay: float = 1.0) -> None:
        self.attempts, self.first_delay, self.longest_delay = attempts, first_delay, longest_delay

    def delay(self, error: LetheError, attempt: int) -> Optional[float]:
        """Seconds until the next attempt, after attempt number `attempt` (from 1) ended with this error. None: no more."""
        if attempt >= self.attempts or not isinstance(error, (errors.ConnectionLost, errors.Busy, errors.ShuttingDown)):
            return None
        wanted = error.retry_after if isinstance(error, errors.Busy) else None
        if wanted is not None:
            return wanted * random.uniform(1, 1.5)
        return min(math.ldexp(self.first_delay, attempt - 1), self.longest_delay) * random.uniform(0.5, 1)


class Request:
    """One request of a program, which may become several messages if it is idempotent."""

    __slots__ = ("method", "params", "options", "end", "report", "cancel", "repeatable")

    def __init__(self, method: str, params: Tuple[Any, ...], deadline: Optional[float], options: Optional[Dict[str, Any]]) -> None:
        self.method, self.params = method, params
        self.end = None if deadline is None else time.monotonic() + deadline
        self.report: Optional[Report] = None
        self.cancel: Optional[Cancellation] = None
        self.repeatable = False
        self.options = options
        if options:
            self.report = options.pop("report", None)
            self.cancel = options.pop("cancel", None)
            self.repeatable = bool(options.get("idempotent"))
            if self.report is not None:
                options.update((key, True) for key, wanted in self.report.wanted.items() if wanted)

    def check(self) -> None:
        """Raises what is the matter with it before it is sent."""
        if self.cancel is not None and self.cancel.cancelled:
            raise errors.Cancelled("it was cancelled before it was sent")
        if self.end is not None and self.end <= time.monotonic():
            raise errors.late("the deadline was over before the request could be sent", "connecting")

    def body(self, max_bytes: int) -> bytes:
        """The message, but for what Session.begin() puts before it. The deadline in it is what is left."""
        known = _METHODS.get(self.method)
        if known is None:
            body = values.pack(self.method) + values.pack(self.params)
        else:
            options = self.options
            if self.end is not None:
                left = max(1, round((self.end - time.monotonic()) * 1000))
                options = {**options, "deadline_ms": left} if options else {"deadline_ms": left}
            body = known + values.pack((*self.params, options) if options else self.params)
        if len(body) + 7 > max_bytes:
            raise errors.TooLarge(f"the request has {len(body)} bytes, more than the {max_bytes} that the daemon takes",
                                  {"limit_bytes": max_bytes})
        return body

    def give_up_at(self) -> Optional[float]:
        """The time (of time.monotonic()) after which not even the daemon's error is waited for."""
        return None if self.end is None else self.end + SLACK

    def delay(self, error: LetheError, attempt: int, retry: Optional[Retry]) -> Optional[float]:
        """Seconds until it is sent again; None: it is not."""
        if not self.repeatable or retry is None:
            return None
        delay = retry.delay(error, attempt)
        if delay is not None and self.end is not None and time.monotonic() + delay >= self.end:
            return None
        return delay


class HostCall(NamedTuple):
    """A script's `await host.call(name, …)`."""

    id: int
    name: str
    arguments: List[Any]


class Call:
    """A request in flight on one connection."""

    __slots__ = ("id", "report", "host_calls", "done", "sent", "value", "error")

    def __init__(self, report: Optional[Report]) -> None:
        self.id = 0
        self.report = report
        self.host_calls: Deque[HostCall] = deque()
        self.done = False
        self.sent = False
        self.value: Any = None
        self.error: Optional[LetheError] = None

    def notify(self) -> None:
        """It is done, or has host calls."""
        raise NotImplementedError

    def finish(self, value: Any, error: Optional[LetheError]) -> None:
        self.value, self.error, self.done = value, error, True
        self.notify()


class Session:
    """What is in flight on one connection, and the bytes of a message that has begun to come."""

    def __init__(self) -> None:
        self.in_flight: Dict[int, Call] = {}
        self._last_id = 0
        self._framer = msgpack.Unpacker(max_buffer_size=0)  # only finds where messages end
        self._received = bytearray()
        self._start = 0  # position in the stream of its first byte

    def begin(self, call: Call) -> bytes:
        """Gives the call its number. What comes before the request's body."""
        while True:
            self._last_id = self._last_id % 0x7FFFFFFF + 1
            if self._last_id not in self.in_flight:
                break
        call.id = self._last_id
        self.in_flight[call.id] = call
        return b"\x94\x00\xce" + call.id.to_bytes(4, "big")

    def forget(self, call: Call) -> Optional[bytes]:
        """Nobody waits for it any more. What tells the daemon so, if it is to be told."""
        if self.in_flight.get(call.id) is not call:
            return None
        del self.in_flight[call.id]
        return cancel(call) if call.sent else None

    def lose(self, reason: Optional[str]) -> None:
        """The connection has ended, and with it all that is in flight; without a reason, because this side closes it."""
        calls, self.in_flight = self.in_flight, {}
        for call in calls.values():
            if reason is None:
                call.finish(None, errors.Cancelled("the connection was closed"))
                continue
            tail = "the request may have been run" if call.sent else "the request was not sent as a whole"
            call.finish(None, errors.lost(f"the connection to the daemon ended ({reason}): {tail}", sent=call.sent))

    def receive(self, data: bytes) -> bytes:
        """Takes in what has come, and returns what is to be sent at once. Raises NOT_UNDERSTOOD."""
        framer, received = self._framer, self._received
        framer.feed(data)
        received += data
        answers = b""
        taken = 0
        try:
            while True:
                try:
                    framer.skip()
                except msgpack.OutOfData:
                    return answers
                end = framer.tell() - self._start
                answers += self._take(received[taken:end])
                taken = end
        finally:
            del received[:taken]
            self._start += taken

    def _take(self, message: bytearray) -> bytes:
        try:
            parts = values.unpack(message)
        except LetheError as error:
            return self._take_unreadable(message, error)
        kind = parts[0]
        if kind == 1:
            _, number, failure, value = parts
            call = self.in_flight.pop(number, None)
            if call is not None:
                call.finish(value, None if failure is None else errors.from_reply(failure))
            return b""
        if kind == 2:
            self._notified(parts[1], parts[2])
            return b""
        _, number, method, params = parts
        if method != "host.call":
            return host_error(number, {"code": "unknown_method", "message": "there is only host.call"})
        call = self.in_flight.get(params[0])
        if call is not None:
            call.host_calls.append(HostCall(number, params[1], params[2]))
            call.notify()
        return b""

    def _take_unreadable(self, message: bytearray, error: LetheError) -> bytes:
        """A message of this protocol with a value that Python can't hold."""
        reader = msgpack.Unpacker(timestamp=0, strict_map_key=False)
        reader.feed(message)
        reader.read_array_header()
        kind, number = reader.unpack(), reader.unpack()
        if kind == 0:
            return host_error(number, {"code": error.code, "message": str(error)})
        call = self.in_flight.pop(number, None) if kind == 1 else None
        if call is not None:
            call.finish(None, error)
        return b""

    def _notified(self, method: str, params: List[Any]) -> None:
        call = self.in_flight.get(params[0]) if params else None
        if call is None or call.report is None:
            return
        if method == "console":
            call.report.console.append(ConsoleLine(params[1], params[2]))
        elif method == "stats":
            call.report.stats.update(params[1])


def cancel(call: Call) -> bytes:
    return values.pack((2, "cancel", (call.id,)))


def host_result(number: int, value: Any) -> bytes:
    """The answer to a host call; an error if the value can't be sent."""
    try:
        return values.pack((1, number, None, value))
    except LetheError as error:
        return host_error(number, {"code": error.code, "message": f"the host function's result: {error}"})


def host_error(number: int, error: Dict[str, Any]) -> bytes:
    return values.pack((1, number, error, None))


def no_host_function(number: int, name: str) -> bytes:
    return host_error(number, {"message": f'the caller has no host function "{name}"'})


def raised(exception: BaseException) -> Dict[str, Any]:
    """What a script sees of an exception of a host function: an Error with this message and these properties."""
    if isinstance(exception, LetheError):
        return {"code": exception.code, "message": str(exception)}
    return {"code": "host_error", "message": str(exception) or type(exception).__name__, "type": type(exception).__name__}
