# SPDX-License-Identifier: Apache-2.0
"""A lethed for this process alone: for tests, notebooks and first steps."""
from __future__ import annotations

import atexit
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from typing import Optional

from . import errors

_START_LIMIT = 60.0  # seconds; the very first start builds the startup snapshot
_STOP_LIMIT = 5.0
# lethed, whose parent ends it when the other end of the pipe on standard input is closed, be it that this process was killed.
# lethed has no child that it doesn't know, for which it would wait at its end; the parent ends nobody but its own children.
_LAUNCH = """
exec 3<&0 </dev/null
"$@" 3<&- &
daemon=$!
trap 'kill $daemon' TERM
(trap - TERM; read -r _ <&3; read -r _ _ _ parent _ </proc/self/stat; [ "$parent" != $$ ] || kill $$) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait $daemon  # or until the trap
wait $daemon 2>/dev/null
kill $watcher
rm -rf -- "$0"
"""


class PrivateDaemon:
    """A lethed with a folder of its own, which ends with this process, however that ends."""

    def __init__(self, folder: str, process: "subprocess.Popen[bytes]", lifeline: int) -> None:
        self.socket = os.path.join(folder, "lethe.sock")
        self.process = process
        self._folder = folder
        self._lifeline = lifeline
        self._owner = os.getpid()
        _daemons.add(self)
        atexit.register(self.stop)

    @classmethod
    def start(cls) -> PrivateDaemon:
        """Returns when it is ready. Raises ConnectionLost with the daemon's log if it is not."""
        lethed = _find_lethed()
        folder = tempfile.mkdtemp(prefix="lethe-run-")
        pathlib.Path(folder, "lethe.toml").touch()  # the system's configuration is not ours
        readable, lifeline = os.pipe()
        command = [
            lethed, "--config", f"{folder}/lethe.toml", "--socket", f"{folder}/lethe.sock",
            "--state-dir", f"{folder}/state", "--cache-dir", _cache_folder(folder),
            "--set", "pool.default.max_deadline_ms=0",  # nobody else waits for its workers
        ]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications, open(f"{folder}/log", "w+b") as log:
            notifications.bind(f"{folder}/notify")
            process = subprocess.Popen(
                ["/bin/sh", "-c", _LAUNCH, folder, *command], stdin=readable, stdout=log, stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": f"{folder}/notify"},
                start_new_session=True)  # Ctrl-C is for this process, which then stops it
            os.close(readable)
            daemon = cls(folder, process, lifeline)
            try:
                daemon._wait_until_ready(notifications, log.fileno())
            except BaseException:
                daemon.stop()
                raise
            return daemon

    def _wait_until_ready(self, notifications: socket.socket, log: int) -> None:
        until = time.monotonic() + _START_LIMIT
        while self.process.poll() is None and time.monotonic() < until:
            if select.select([notifications], [], [], 0.05)[0] and b"READY=1" in notifications.recv(4096):
                return
        said = os.pread(log, 65536, 0).decode("utf-8", "replace").strip()
        raise errors.lost(f"the private daemon did not start: {said or 'its log is empty'}", sent=False)

    def stop(self) -> None:
        """Ends it and removes its folder. In a child of this process it does nothing."""
        if os.getpid() != self._owner or self._lifeline < 0:
            return
        atexit.unregister(self.stop)
        self._let_go()
        try:
            self.process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _let_go(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


_daemons: weakref.WeakSet[PrivateDaemon] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for daemon in list(_daemons):
        daemon._let_go()  # else it would live as long as this process's children


os.register_at_fork(after_in_child=_after_fork_in_child)


def _find_lethed() -> str:
    """$LETHED; that of the checkout which this file belongs to; what PATH has, or as packages install it."""
    built = pathlib.Path(__file__).resolve().parents[3] / "build" / "bin" / "lethed"
    found: Optional[str] = os.environ.get("LETHED")
    if not found and os.access(built, os.X_OK):
        found = str(built)
    found = found or shutil.which("lethed", path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin")
    if not found:
        raise errors.lost("there is no lethed for a private daemon: install the package lethe, or name it in $LETHED", sent=False)
    return found


def _cache_folder(otherwise: str) -> str:
    """The user's own, so that only the very first start builds the startup snapshot."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(base, "lethe")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return f"{otherwise}/cache"
    return folder if os.access(folder, os.W_OK) else f"{otherwise}/cache"
