# SPDX-License-Identifier: Apache-2.0
"""The connection of asyncio: the words of lethe.Connection, awaited.

    async with lethe.aio.connect() as js:
        await js.eval("6 * 7")

Cancelling a task that awaits a request cancels the request. Host functions may be `async def` (each is a task, which ends with its
request); others run in the event loop, so they must not wait.
"""
from __future__ import annotations

import asyncio
import inspect
import logging
import os
import time
from collections import deque
from typing import Any, Deque, Dict, Generator, List, Optional, Set, Union

from . import errors, session
from .errors import LetheError
from .private import PrivateDaemon
from .session import Call, HostCall, Report, Request, Retry, Session
from .sync import delays, inside_host, unreachable
from .words import Steps, Words, connections, socket_path

__all__ = ["Connection", "connect"]
_log = logging.getLogger("lethe")
_SWEEP = 0.25  # seconds between looks at requests which the daemon doesn't answer in time: seldom are there any


class _AwaitedCall(Call):
    __slots__ = ("link", "reply", "until", "tasks")

    def __init__(self, link: _Link, report: Optional[Report], until: Optional[float]) -> None:
        super().__init__(report)
        self.link = link
        self.reply: asyncio.Future[None] = link.loop.create_future()
        self.until = until
        self.tasks: Set[asyncio.Task[None]] = set()  # of its host calls

    def notify(self) -> None:
        while self.host_calls and not self.done:
            task = self.link.loop.create_task(self.link.answer(self.host_calls.popleft()))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        if self.done:
            self.end_tasks()
            if not self.reply.done():
                self.reply.set_result(None)

    def end_tasks(self) -> None:
        for task in self.tasks:
            task.cancel()


class _Link(asyncio.Protocol):
    """One socket, in one event loop, and what is in flight on it. What is sent in one round of the loop is written at once."""

    def __init__(self, hosts: Dict[str, Any], max_in_flight: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.session = Session()
        self.lost = False
        self._hosts = hosts
        self._max_in_flight = max_in_flight
        self._output: List[bytes] = []
        self._begun: List[_AwaitedCall] = []  # whose bytes are in it
        self._transport: Optional[asyncio.WriteTransport] = None
        self._waiting: Deque[asyncio.Future[None]] = deque()  # for fewer requests to be in flight
        self._sweeper: Optional[asyncio.TimerHandle] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            answers = self.session.receive(data)
        except session.NOT_UNDERSTOOD as error:
            self.lose(f"the daemon sent what is not its protocol: {error!r}")
            return
        if answers:
            self.write(answers)
        if self._waiting:
            self._let_in()

    def connection_lost(self, error: Optional[Exception]) -> None:
        self.lose(str(error) if error else "the daemon closed it")

    def send(self, call: _AwaitedCall, body: bytes) -> None:
        self.write(self.session.begin(call) + body)
        self._begun.append(call)
        if call.until is not None and self._sweeper is None:
            self._sweeper = self.loop.call_later(_SWEEP, self._sweep)

    def write(self, data: bytes) -> None:
        if not self._output:
            self.loop.call_soon(self._flush)
        self._output.append(data)

    def _flush(self) -> None:
        output, self._output = self._output, []
        begun, self._begun = self._begun, []
        if self._transport is not None and not self.lost:
            for call in begun:
                call.sent = True
            self._transport.write(b"".join(output))

    async def answer(self, asked: HostCall) -> None:
        function = self._hosts.get(asked.name)
        if function is None:
            answer = session.no_host_function(asked.id, asked.name)
        else:
            inside_host.set(True)  # of this task
            try:
                result = function(*asked.arguments)
                answer = session.host_result(asked.id, await result if inspect.isawaitable(result) else result)
            except Exception as error:
                _log.debug("host function %s", asked.name, exc_info=True)
                answer = session.host_error(asked.id, session.raised(error))
        if not self.lost:
            self.write(answer)

    async def room(self, end: Optional[float]) -> None:
        """Waits while as many requests are in flight as the daemon takes of one connection."""
        while len(self.session.in_flight) >= self._max_in_flight and not self.lost:
            turn = self.loop.create_future()
            self._waiting.append(turn)
            try:
                await asyncio.wait_for(turn, None if end is None else max(0.0, end - time.monotonic()))
            except asyncio.TimeoutError:
                return
            except asyncio.CancelledError:
                self._let_in()  # its turn is another's
                raise

    def _let_in(self) -> None:
        free = self._max_in_flight - len(self.session.in_flight)
        while self._waiting and (free > 0 or self.lost):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1

    def forget(self, call: _AwaitedCall) -> None:
        """Nobody awaits it any more."""
        call.end_tasks()
        notification = self.session.forget(call)
        if notification is not None and not self.lost:
            self.write(notification)
        self._let_in()

    def cancel(self, call: _AwaitedCall) -> None:
        if not call.done and not self.lost:
            self.write(session.cancel(call))

    def _sweep(self) -> None:
        self._sweeper = None
        now = time.monotonic()
        calls = [call for call in self.session.in_flight.values() if isinstance(call, _AwaitedCall) and call.until is not None]
        for call in calls:
            if call.until is not None and call.until <= now:
                self.forget(call)
                call.finish(None, errors.late("the daemon did not answer in time; the request may have been run", "waiting"))
        if calls:
            self._sweeper = self.loop.call_later(_SWEEP, self._sweep)

    def lose(self, reason: Optional[str]) -> None:
        if self.lost:
            return
        self.lost = True
        self.session.lose(reason)
        self._let_in()
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._transport is not None:
            self._transport.abort()

    def abandon(self) -> None:
        """Gives up the socket without its loop, which has been closed or is the parent process's."""
        self.lost = True
        if self._transport is not None:
            descriptor = self._transport.get_extra_info("socket").fileno()
            if descriptor >= 0:
                with open(os.devnull, "rb") as nothing:  # the transport keeps its number
                    os.dup2(nothing.fileno(), descriptor)


def connect(socket: Optional[Union[str, "os.PathLike[str]"]] = None, *, private: bool = False, connect_timeout: float = 3.0,
            retry: Optional[Retry] = Retry(), max_in_flight: int = session.MAX_IN_FLIGHT,
            max_message_bytes: int = session.MAX_MESSAGE_BYTES) -> Connection:
    """As lethe.connect(), to be awaited or used by `async with`."""
    return Connection(socket_path(socket), private, connect_timeout, retry, max_in_flight, max_message_bytes)


class Connection(Words):
    """A connection to a daemon, made again when it is lost. See connect().

    It belongs to the event loop in which it is used; another loop, or a forked child, gets a socket of its own.
    """

    def __init__(self, path: str, private: bool, connect_timeout: float, retry: Optional[Retry], max_in_flight: int,
                 max_message_bytes: int) -> None:
        super().__init__(path, connect_timeout, retry, max_in_flight, max_message_bytes)
        self._private = private
        self._daemon: Optional[PrivateDaemon] = None
        self._link: Optional[_Link] = None
        self._connecting: Optional[asyncio.Task[_Link]] = None
        connections.add(self)

    def __await__(self) -> Generator[Any, None, Connection]:
        return self._open().__await__()

    async def __aenter__(self) -> Connection:
        return await self._open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _open(self) -> Connection:
        if self._private and self._daemon is None:
            self._daemon = await asyncio.get_running_loop().run_in_executor(None, PrivateDaemon.start)
            self.socket = self._daemon.socket
        try:
            await self._connected(None)
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Ends the connection, and a private daemon. What is in flight raises Cancelled."""
        self._closed = True
        link, self._link = self._link, None
        if link is not None and link.loop is asyncio.get_running_loop():
            link.lose(None)
        elif link is not None:
            link.abandon()
        if self._connecting is not None and self._connecting.get_loop() is asyncio.get_running_loop():
            self._connecting.cancel()
        if self._daemon is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._daemon.stop)

    async def _drive(self, steps: Steps) -> Any:
        try:
            asked = next(steps)
            while True:
                try:
                    result = await self._ask(*asked)
                except LetheError as error:
                    asked = steps.throw(error)
                else:
                    asked = steps.send(result)
        except StopIteration as end:
            return end.value

    async def _ask(self, method: str, params: Any, deadline: Optional[float], options: Optional[Dict[str, Any]]) -> Any:
        request = Request(method, params, deadline, options)
        attempt = 1
        while True:
            try:
                return await self._send_and_wait(request)
            except LetheError as error:
                delay = request.delay(error, attempt, self._retry)
                if delay is None:
                    raise
            attempt += 1
            await asyncio.sleep(delay)

    async def _send_and_wait(self, request: Request) -> Any:
        while True:
            request.check()
            link = self._link
            if link is None or link.lost or link.loop is not asyncio.get_running_loop():
                if link is not None and link.loop.is_closed():
                    link.abandon()
                link = await self._connected(request.end)
            if len(link.session.in_flight) >= self._max_in_flight and not inside_host.get():
                await link.room(request.end)
                continue
            call = await self._reply(link, request)
            if call.error is None:
                return call.value
            if call.sent or not link.lost or self._closed:
                raise call.error

    async def _reply(self, link: _Link, request: Request) -> _AwaitedCall:
        call = _AwaitedCall(link, request.report, request.give_up_at())
        link.send(call, request.body(self._max_message_bytes))
        cancel = request.cancel
        try:
            if cancel is not None:
                cancel.attach(call, lambda: link.cancel(call))
            await call.reply
        except BaseException:
            link.forget(call)
            raise
        finally:
            if cancel is not None:
                cancel.detach(call)
        return call

    async def _connected(self, end: Optional[float]) -> _Link:
        """The link of this loop, made anew if it is lost. Who comes meanwhile waits for the same attempt."""
        loop = asyncio.get_running_loop()
        if self._connecting is None or self._connecting.done() or self._connecting.get_loop() is not loop:
            self._connecting = loop.create_task(self._connect())
        left = None if end is None else max(0.0, end - time.monotonic())
        try:
            return await asyncio.wait_for(asyncio.shield(self._connecting), left)
        except asyncio.TimeoutError:
            raise errors.lost(f"can't connect to {self.socket} within the deadline", sent=False) from None

    async def _connect(self) -> _Link:
        if self._closed:
            raise errors.Cancelled("the connection was closed")
        loop = asyncio.get_running_loop()
        until = time.monotonic() + self._connect_timeout
        for delay in delays():
            try:
                _, link = await loop.create_unix_connection(lambda: _Link(self._hosts, self._max_in_flight), self.socket)
                if self._closed:  # meanwhile
                    link.lose(None)
                self._link = link
                return link
            except OSError as error:
                if time.monotonic() + delay >= until:
                    raise unreachable(self.socket, error) from None
            await asyncio.sleep(delay)
        raise AssertionError("delays() never ends")

    def _after_fork(self) -> None:
        link, self._link = self._link, None
        self._connecting = None
        if link is not None:
            link.abandon()
