# SPDX-License-Identifier: Apache-2.0
"""The connection that waits. Any number of threads share one socket: one of those that wait reads for all of them."""
from __future__ import annotations

import contextvars
import logging
import math
import os
import random
import select
import socket
import threading
import time
from typing import Any, Dict, Iterator, Optional, Union

from . import errors, session
from .errors import LetheError
from .private import PrivateDaemon
from .session import Call, Report, Request, Retry, Session
from .words import Steps, Words, connections, socket_path

_log = logging.getLogger("lethe")
_READ_BYTES = 256 * 1024
_FIRST_DELAY, _LONGEST_DELAY = 0.01, 1.0  # seconds between attempts to connect
_STEP_MS = 50  # how long a writer waits for room before it looks again whether it has to read meanwhile
_CANCEL_LIMIT = 1.0  # seconds for a notification to find room
# Set within a host function: its requests don't wait until others have ended, which may be those that wait for it.
inside_host: contextvars.ContextVar[bool] = contextvars.ContextVar("lethe_inside_host", default=False)


class _Unsent(Exception):
    """The connection was found lost before a byte of this request was sent."""


class _WaitingCall(Call):
    """A request that a thread waits for. All but its wait() is under its link's mutex."""

    __slots__ = ("sleeper",)

    def __init__(self, report: Optional[Report]) -> None:
        super().__init__(report)
        self.sleeper: Optional[threading.Lock] = None  # held while its thread sleeps on it

    def notify(self) -> None:
        sleeper, self.sleeper = self.sleeper, None
        if sleeper is not None:
            sleeper.release()


class _Link:
    """One socket, and what is in flight on it. Once it is lost it stays so.

    Who waits for a reply and finds nobody reading, reads, for all who wait: the leader. The others sleep. The leader hands on when
    there is something for itself. A signal's handler may raise anywhere in here: `with` takes and gives back the locks, forget()
    puts right what else was left, and what came or went in part ends the connection.
    """

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.session = Session()
        self.lost = False
        self._reset()

    def _reset(self) -> None:
        self.mutex = threading.Lock()
        self.writing = threading.Lock()
        self.crowded = False  # who writes waits for room
        self.leader: Optional[Call] = None
        self.poller = select.poll()  # the leader's
        self.poller.register(self.socket, select.POLLIN)

    # --- sending

    def send(self, call: Call, body: bytes, until: Optional[float]) -> None:
        with self.mutex:
            if self.lost:
                raise _Unsent
            head = self.session.begin(call)
        if not self.write(head + body, until, call):
            raise _Unsent

    def write(self, data: bytes, until: Optional[float], call: Call) -> bool:
        """False: the connection was lost before the first byte."""
        while self.crowded and not self.lost:
            if until is not None and time.monotonic() >= until:
                raise errors.late("other requests took all the time to be sent", "connecting")
            time.sleep(0.001)
        with self.writing:
            known = False
            try:
                call.sent = True
                try:
                    sent = self.socket.send(data, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    sent = 0
                except OSError as error:
                    call.sent = False
                    known = True
                    self.lose(str(error))
                    return False
                known = True
            finally:
                if not known:
                    self.lose("a request was sent in part")
            if sent < len(data):
                call.sent = False
                self._write_rest(memoryview(data), sent, until, call)
                call.sent = True
            return True

    def _write_rest(self, data: memoryview, sent: int, until: Optional[float], call: Call) -> None:
        """A daemon that doesn't take requests may be waiting until its replies are read, so this reads, too."""
        room = select.poll()
        room.register(self.socket, select.POLLOUT)
        self.crowded = True
        try:
            while sent < len(data) and not self.lost:  # if it is, the call has got its error
                if self._take_lead(call):
                    try:
                        self.poller.modify(self.socket, select.POLLIN | select.POLLOUT)
                        if any(event & ~select.POLLOUT for _, event in self.poller.poll(_STEP_MS)):
                            self._read()
                    finally:
                        if not self.lost:
                            self.poller.modify(self.socket, select.POLLIN)
                        self._hand_on(call)
                else:
                    room.poll(_STEP_MS)
                if until is not None and time.monotonic() >= until:
                    raise errors.late("the daemon did not take the request in time", "connecting")
                try:
                    sent += self.socket.send(data[sent:], socket.MSG_DONTWAIT)
                except BlockingIOError:
                    pass
                except OSError as error:
                    self.lose(str(error))
        except BaseException:
            self.lose("a request was sent in part")
            raise
        finally:
            self.crowded = False

    # --- receiving

    def wait(self, call: _WaitingCall, until: Optional[float], hosts: Dict[str, Any]) -> Any:
        while not call.done:
            if call.host_calls:
                self._answer(call, hosts)
            elif until is not None and time.monotonic() >= until:
                raise errors.late("the daemon did not answer in time; the request may have been run", "waiting")
            elif self._take_lead(call):
                try:
                    self._lead(call, until)
                finally:
                    self._hand_on(call)
            else:
                self._sleep(call, until)
        if call.error is not None:
            raise call.error
        return call.value

    def _take_lead(self, call: Call) -> bool:
        with self.mutex:
            if self.leader is not None or self.lost:
                return False
            self.leader = call
            return True

    def _hand_on(self, call: Call) -> None:
        """Unless another one leads, one that sleeps is to lead."""
        with self.mutex:
            if self.leader is call:
                self.leader = None
            if self.leader is not None:
                return
            if self.lost:
                self.socket.close()
                return
            for each in self.session.in_flight.values():
                if isinstance(each, _WaitingCall) and each.sleeper is not None:
                    each.notify()
                    return

    def _lead(self, call: Call, until: Optional[float]) -> None:
        while not call.done and not call.host_calls:
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return
            if self.poller.poll(None if left is None else math.ceil(left * 1000)):
                self._read()

    def _sleep(self, call: _WaitingCall, until: Optional[float]) -> None:
        with self.mutex:
            if call.done or call.host_calls or self.leader is None:
                return
            sleeper = call.sleeper = threading.Lock()
            sleeper.acquire()
        sleeper.acquire(timeout=-1 if until is None else max(0.0, until - time.monotonic()))
        with self.mutex:
            call.sleeper = None

    def _read(self) -> None:
        """Only the leader's. Bytes that were taken from the socket and not understood would be missing."""
        understood = False
        try:
            try:
                data = self.socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                understood = True
                return
            if data:
                with self.mutex:
                    answers = self.session.receive(data)
                understood = True
                if answers:
                    self.write(answers, time.monotonic() + _CANCEL_LIMIT, Call(None))
            else:
                understood = True
                self.lose("the daemon closed it")
        except OSError as error:
            understood = True
            self.lose(str(error))
        except session.NOT_UNDERSTOOD as error:
            understood = True
            self.lose(f"the daemon sent what is not its protocol: {error!r}")
        finally:
            if not understood:
                self.lose("a signal came while a reply was read")

    def _answer(self, call: Call, hosts: Dict[str, Any]) -> None:
        """Runs a host function on the thread that waits for the script."""
        number, name, arguments = call.host_calls.popleft()
        function = hosts.get(name)
        if function is None:
            answer = session.no_host_function(number, name)
        else:
            token = inside_host.set(True)
            try:
                answer = session.host_result(number, function(*arguments))
            except Exception as error:
                _log.debug("host function %s", name, exc_info=True)
                answer = session.host_error(number, session.raised(error))
            finally:
                inside_host.reset(token)
        if not call.done:
            self.write(answer, None, Call(None))  # whether the call itself was sent is known

    # --- its end

    def forget(self, call: Call) -> None:
        """Nobody waits for the call any more: the daemon gives it up, and another leads."""
        with self.mutex:
            notification = self.session.forget(call)
        self._hand_on(call)
        if notification is not None:
            self._notify(notification)

    def cancel(self, call: Call) -> None:
        """Its reply, mostly Cancelled, still comes."""
        if call.sent and not call.done:
            self._notify(session.cancel(call))

    def _notify(self, notification: bytes) -> None:
        try:
            self.write(notification, time.monotonic() + _CANCEL_LIMIT, Call(None))
        except LetheError:
            pass

    def lose(self, reason: Optional[str]) -> None:
        """Ends the connection and all that is in flight; without a reason, because this side closes it."""
        with self.mutex:
            if self.lost:
                return
            self.lost = True
            self.session.lose(reason)
            try:
                self.socket.shutdown(socket.SHUT_RDWR)  # the leader wakes up, and closes it
            except OSError:
                pass
            if self.leader is None:
                self.socket.close()

    def after_fork(self) -> None:
        """In the child: the socket is the parent's, and so is what the daemon does with what is in flight."""
        self._reset()
        self.lost = True
        self.socket.close()
        self.session.lose("it is the parent process's")


def connect(socket: Optional[Union[str, "os.PathLike[str]"]] = None, *, private: bool = False, connect_timeout: float = 3.0,
            retry: Optional[Retry] = Retry(), max_in_flight: int = session.MAX_IN_FLIGHT,
            max_message_bytes: int = session.MAX_MESSAGE_BYTES) -> Connection:
    """Connects to the daemon at `socket`; None: $LETHE_SOCKET, else /run/lethe/lethe.sock.

    `private`: starts a daemon for this process, which ends with it. `connect_timeout`: seconds for which connecting is tried, now
    and when a request finds the connection lost. `retry`: when requests with `idempotent=True` are repeated; None: never.
    More than `max_in_flight` requests wait for each other, larger ones than `max_message_bytes` raise TooLarge: both are the
    daemon's settings, by their defaults. Raises ConnectionLost if there is no daemon.
    """
    daemon = PrivateDaemon.start() if private else None
    path = daemon.socket if daemon else socket_path(socket)
    try:
        return Connection(path, daemon, connect_timeout, retry, max_in_flight, max_message_bytes)
    except BaseException:
        if daemon:
            daemon.stop()
        raise


class Connection(Words):
    """A connection to a daemon, made again when it is lost. See lethe.connect().

    Safe from several threads, whose requests are in flight together, and over fork(): a child has a connection of its own.
    Host functions run on the thread that waits for the script.
    """

    def __init__(self, path: str, daemon: Optional[PrivateDaemon], connect_timeout: float, retry: Optional[Retry],
                 max_in_flight: int, max_message_bytes: int) -> None:
        super().__init__(path, connect_timeout, retry, max_in_flight, max_message_bytes)
        self._daemon = daemon
        self._link: Optional[_Link] = None
        self._reset()
        self._connected(None)
        connections.add(self)

    def _reset(self) -> None:
        self._connecting = threading.Lock()
        self._ended = threading.Condition()  # a request has, while others wait for that
        self._waiting = 0

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and a private daemon. What is in flight raises Cancelled."""
        self._closed = True
        link, self._link = self._link, None
        if link is not None:
            link.lose(None)
        if self._daemon is not None:
            self._daemon.stop()

    def _drive(self, steps: Steps) -> Any:
        try:
            asked = next(steps)
            while True:
                try:
                    result = self._ask(*asked)
                except LetheError as error:
                    asked = steps.throw(error)
                else:
                    asked = steps.send(result)
        except StopIteration as end:
            return end.value

    def _ask(self, method: str, params: Any, deadline: Optional[float], options: Optional[Dict[str, Any]]) -> Any:
        request = Request(method, params, deadline, options)
        attempt = 1
        while True:
            try:
                return self._send_and_wait(request)
            except LetheError as error:
                delay = request.delay(error, attempt, self._retry)
                if delay is None:
                    raise
            attempt += 1
            time.sleep(delay)

    def _send_and_wait(self, request: Request) -> Any:
        until = request.give_up_at()
        while True:
            request.check()
            link = self._link
            if link is None or link.lost:
                link = self._connected(request.end)
            if len(link.session.in_flight) >= self._max_in_flight and not inside_host.get():
                self._await_room(link, request)
                continue
            try:
                return self._reply(link, request, until)
            except _Unsent:
                continue

    def _reply(self, link: _Link, request: Request, until: Optional[float]) -> Any:
        call = _WaitingCall(request.report)
        cancel = request.cancel
        try:
            link.send(call, request.body(self._max_message_bytes), until)
            if cancel is not None:
                cancel.attach(call, lambda: link.cancel(call))
            return link.wait(call, until, self._hosts)
        except BaseException:
            link.forget(call)
            raise
        finally:
            if cancel is not None:
                cancel.detach(call)
            if self._waiting:
                with self._ended:
                    self._ended.notify()

    def _await_room(self, link: _Link, request: Request) -> None:
        """Until fewer requests are in flight than the daemon takes of one connection."""
        with self._ended:
            self._waiting += 1
            try:
                while len(link.session.in_flight) >= self._max_in_flight and not link.lost:
                    left = None if request.end is None else request.end - time.monotonic()
                    if left is not None and left <= 0:
                        return
                    self._ended.wait(0.1 if left is None else min(left, 0.1))
            finally:
                self._waiting -= 1

    def _connected(self, end: Optional[float]) -> _Link:
        """The link, made anew if it is lost, within the time for connecting and until `end`."""
        until = time.monotonic() + self._connect_timeout
        if end is not None:
            until = min(until, end)
        for delay in delays():
            try:
                with self._connecting:  # never for long: no attempt waits
                    if self._closed:
                        raise errors.Cancelled("the connection was closed")
                    link = self._link
                    if link is None or link.lost:
                        link = self._link = _Link(_connect(self.socket))
                if self._closed:  # meanwhile
                    link.lose(None)
                return link
            except OSError as error:
                if time.monotonic() + delay >= until:
                    raise unreachable(self.socket, error) from None
            time.sleep(delay)
        raise AssertionError("delays() never ends")

    def _after_fork(self) -> None:
        link, self._link = self._link, None
        self._reset()
        if link is not None:
            link.after_fork()


def delays() -> Iterator[float]:
    """Seconds between attempts to connect, with jitter, so that many clients don't come at once."""
    whole = _FIRST_DELAY
    while True:
        yield whole * random.uniform(0.5, 1)
        whole = min(whole * 2, _LONGEST_DELAY)


def unreachable(path: str, error: OSError) -> errors.ConnectionLost:
    hint = " (is lethed running?)" if isinstance(error, (FileNotFoundError, ConnectionRefusedError)) else ""
    return errors.lost(f"can't connect to {path}: {error.strerror or error}{hint}", sent=False)


def _connect(path: str) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.setblocking(False)  # where too many wait to be let in, that is an error like others
        connected.connect(path)
        connected.setblocking(True)
        return connected
    except OSError:
        connected.close()
        raise
