# SPDX-License-Identifier: Apache-2.0
"""What the tests of the Python client share: a lethed, the notation of values in cases.json, and both connections as one."""
from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import datetime
import importlib.util
import math
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Callable, Dict, List, Optional

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "client" / "python"
sys.path.insert(0, str(PACKAGE))

import lethe  # noqa: E402
import lethe.aio  # noqa: E402
from lethe import errors  # noqa: E402

BUILD = pathlib.Path(os.environ.get("LETHE_BUILD", ROOT / "build"))
PATIENCE = 30.0  # seconds, for what is broken


def has(*modules: str) -> bool:
    """Whether Python packages that nothing installs are there."""
    return all(importlib.util.find_spec(each) for each in modules)


def wait_until(condition: Callable[[], bool], patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)


class Daemon:
    """A lethed with a folder of its own. It can be stopped, killed and started again."""

    def __init__(self, *settings: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="lethe-clients-")
        os.chmod(self.folder, 0o755)
        self.socket = f"{self.folder}/socket"
        self.log = open(f"{self.folder}/log", "ab")
        self.settings = settings
        self.start()

    def start(self) -> None:
        command = [str(BUILD / "bin" / "lethed"), "--config", os.devnull, "--socket", self.socket, "--state-dir", f"{self.folder}/state",
                   "--cache-dir", str(BUILD / "tests" / "clients-cache")]
        for setting in self.settings:
            command += ["--set", setting]
        before = os.path.getsize(self.log.name)
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

        def ready() -> bool:
            with open(self.log.name, "rb") as log:
                log.seek(before)
                text = log.read()
            if self.process.poll() is not None:
                raise AssertionError(f"lethed ended: {text.decode()}")
            return b"lethed: ready" in text

        wait_until(ready)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def kill_workers(self) -> None:
        """All processes below the zygotes but these."""
        for zygote in children(self.process.pid):
            for worker in children(zygote):
                os.kill(worker, signal.SIGKILL)

    def end(self) -> None:
        if self.process.poll() is None:
            self.stop()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def children(pid: int) -> List[int]:
    found = []
    for each in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = each.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(each.parent.name))
    return found


def value_of(written: Any) -> Any:
    """A value from its notation in cases.json (see README.md beside it)."""
    if isinstance(written, list):
        return [value_of(each) for each in written]
    if not isinstance(written, dict):
        return written
    if len(written) == 1:
        (key, content), = written.items()
        if key == "$bin":
            return base64.b64decode(content)
        if key == "$bigint":
            return int(content)
        if key == "$number":
            return float(content.replace("Infinity", "inf"))
        if key == "$date":
            return datetime.datetime.fromisoformat(content.replace("Z", "+00:00"))
        if key == "$map":
            return {as_key(value_of(name)): value_of(each) for name, each in content}
        if key == "$repeat":
            return content[0] * content[1]
        if key == "$repeat_bytes":
            return bytes([content[0]]) * content[1]
        if key == "$nested":
            value: List[Any] = []
            for _ in range(content):
                value = [value]
            return value
    return {key: value_of(each) for key, each in written.items()}


def as_key(key: Any) -> Any:
    return tuple(as_key(each) for each in key) if isinstance(key, list) else key


def same(seen: Any, wanted: Any) -> bool:
    """Equal, and of the same types: 1, 1.0 and True differ here, and so do 0.0 and -0.0."""
    if type(seen) is not type(wanted):
        return False
    if isinstance(seen, list):
        return len(seen) == len(wanted) and all(map(same, seen, wanted))
    if isinstance(seen, dict):
        return (seen.keys() == wanted.keys() and all(same(seen[key], wanted[key]) for key in wanted)
                and {(type(key), key) for key in seen} == {(type(key), key) for key in wanted})
    if isinstance(seen, float):
        return math.isnan(seen) and math.isnan(wanted) or seen == wanted and math.copysign(1, seen) == math.copysign(1, wanted)
    return bool(seen == wanted)


class Running:
    """A request that was started."""

    def __init__(self, future: "concurrent.futures.Future[Any]", cancel: Callable[[], Any]) -> None:
        self.future, self.cancel = future, cancel

    def result(self) -> Any:
        return self.future.result(PATIENCE)


class Sync:
    """lethe.Connection; what is started runs in a thread."""

    name = "sync"

    def __init__(self, socket: str, **options: Any) -> None:
        self.threads = concurrent.futures.ThreadPoolExecutor(max_workers=450)
        self.js: Any = lethe.connect(socket, **options)

    def start(self, method: str, /, *args: Any, **options: Any) -> Running:
        cancellation = options.setdefault("cancel", lethe.Cancellation()) if method in ("eval", "call", "chain") else None
        future = self.threads.submit(getattr(self.js, method), *args, **options)
        return Running(future, cancellation.cancel if cancellation else lambda: None)

    def ask(self, method: str, /, *args: Any, **options: Any) -> Any:
        return getattr(self.js, method)(*args, **options)

    def of_script(self, handle: Any, function: str, *args: Any) -> Any:
        return getattr(handle, function)(*args)

    def add_hosts(self, hosts: Dict[str, Callable[..., Any]]) -> None:
        self.js.host({**hosts, "hang": lambda: time.sleep(1), "eval": lambda source: self.js.eval(source)})

    def in_child(self, source: str) -> Any:
        return self.js.eval(source)

    def close(self) -> None:
        self.js.close()
        self.threads.shutdown()

    def close_connection(self) -> None:
        self.js.close()


class Aio:
    """lethe.aio.Connection, in an event loop of a thread."""

    name = "asyncio"

    def __init__(self, socket: str, **options: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.js: Any = self._run(self._open(socket, options))

    async def _open(self, socket: str, options: Dict[str, Any]) -> Any:
        return await lethe.aio.connect(socket, **options)

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE * 2)

    def start(self, method: str, /, *args: Any, **options: Any) -> Running:
        future = asyncio.run_coroutine_threadsafe(getattr(self.js, method)(*args, **options), self.loop)
        return Running(future, future.cancel)

    def ask(self, method: str, /, *args: Any, **options: Any) -> Any:
        return self._run(getattr(self.js, method)(*args, **options))

    def of_script(self, handle: Any, function: str, *args: Any) -> Any:
        return self._run(getattr(handle, function)(*args))

    def add_hosts(self, hosts: Dict[str, Callable[..., Any]]) -> None:
        def in_executor(function: Callable[..., Any]) -> Callable[..., Any]:
            async def host(*args: Any) -> Any:
                return await self.loop.run_in_executor(None, function, *args)
            return host

        self.js.host({name: in_executor(function) for name, function in hosts.items()})
        self.js.host({"hang": lambda: asyncio.sleep(PATIENCE), "eval": lambda source: self.js.eval(source)})

    def in_child(self, source: str) -> Any:
        return asyncio.run(self.js.eval(source))

    def close_connection(self) -> None:
        self._run(self.js.close())

    def close(self) -> None:
        self.close_connection()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


def class_of(code: str) -> type:
    """What is raised for an error of this code."""
    if code in ("unreachable", "connection_lost"):
        return lethe.ConnectionLost
    return type(errors.from_reply({"code": code, "message": ""}))


def in_child(function: Callable[[], Any], timeout: float = PATIENCE) -> Optional[str]:
    """Runs it in a forked child. What it returned, as text; None if it raised, hung or died."""
    readable, writable = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writable, repr(function()).encode())
        except BaseException as error:
            print(f"in the child: {error!r}", file=sys.stderr)
        finally:
            os._exit(0)
    os.close(writable)
    killer = threading.Timer(timeout, os.kill, (pid, signal.SIGKILL))
    killer.start()
    with open(readable, "rb") as pipe:
        text = pipe.read().decode()
    killer.cancel()
    os.waitpid(pid, 0)
    return text or None
