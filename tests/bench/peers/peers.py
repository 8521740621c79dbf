# SPDX-License-Identifier: Apache-2.0
"""Lethe and what it is compared with: how each is started, and how it is spoken to."""
import contextlib
import dataclasses
import glob
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import time

import wire

HERE = pathlib.Path(__file__).resolve().parent
MEMORY_MB = 128  # of a request or of a worker, wherever a peer has such a limit
DEADLINE_MS = 10_000  # of what is not about deadlines


@dataclasses.dataclass
class Folders:
    build: pathlib.Path  # of the whole project
    scratch: pathlib.Path

    @property
    def peers(self):
        return self.build / "peers"

    @property
    def scripts(self):
        return self.peers / "scripts"

    def modules(self, path):
        """A file of a package from npm, which is there for this kind of processor only."""
        found = glob.glob(str(self.peers / "node_modules" / path))
        return found[0] if found else None

    @property
    def node(self):
        return self.modules("node-linux-*/bin/node") or shutil.which("node")


def prepare_scripts(folders):
    """Each script as one text: what a peer evaluates."""
    folders.scripts.mkdir(parents=True, exist_ok=True)
    actions = (HERE / "actions" / "actions.js").read_text()
    libraries = (folders.build / "npm" / "libraries.js").read_text() + (HERE / "actions" / "order.js").read_text()
    (folders.scripts / "actions.js").write_text(actions)
    (folders.scripts / "libraries.js").write_text(libraries)
    tail = (HERE / "servers" / "workerd.js").read_text()
    (folders.peers / "workerd_actions.js").write_text(actions + tail)
    (folders.peers / "workerd_libraries.js").write_text(libraries + actions + tail)
    # A server's modules find those of npm beside them.
    for file in (HERE / "servers").iterdir():
        shutil.copy(file, folders.peers)


def output_of(*words):
    result = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return result.stdout.strip()


class Peer:
    """One way to run the actions. A peer without workers of its own is one process for each."""

    protocol = wire.Lines()
    own_pool = False  # one service that has the workers; else as many processes as workers
    lacks = {}  # function: why it is not there
    deadline_unit_ms = 1  # the smallest deadline that can be set
    note = ""  # what else should be known of it

    def __init__(self, folders, name, way):
        self.folders, self.name, self.way = folders, name, way
        self.processes, self.sockets = [], []

    def reason_to_leave_out(self):
        return None

    def version(self):
        raise NotImplementedError

    def command(self, socket, workers):
        """Words and environment of a process that listens at the socket."""
        raise NotImplementedError

    def socket(self, number):
        folder = self.folders.scratch / re.sub(r"\W+", "-", self.name)
        folder.mkdir(exist_ok=True)
        return folder / f"socket{number}"

    def start(self, workers):
        for number in range(1 if self.own_pool else workers):
            socket = self.socket(number)
            socket.unlink(missing_ok=True)
            words, environment = self.command(socket, workers)
            with open(socket.with_suffix(".log"), "ab") as log:
                self.processes.append(subprocess.Popen(
                    list(map(str, words)), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=socket.parent,
                    start_new_session=True, env={**os.environ, **{k: str(v) for k, v in environment.items()}}))
            self.sockets.append(str(socket))
        end = time.monotonic() + 60
        while not all(map(os.path.exists, self.sockets)):
            if time.monotonic() > end or any(process.poll() is not None for process in self.processes):
                statuses = [process.poll() for process in self.processes]
                log = self.socket(0).with_suffix(".log").read_text(errors="replace")
                self.stop()
                raise RuntimeError(f"{self.name} does not start: exit status {statuses}: {log[-500:]}")
            time.sleep(0.01)

    def stop(self):
        """All processes of its sessions: what it has forked may outlive it."""
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes, self.sockets = [], []

    def last_words(self):
        """How its processes ended, and what it said of that."""
        statuses = [process.poll() for process in self.processes if process.poll() is not None]
        lines = self.socket(0).with_suffix(".log").read_text(errors="replace").splitlines()
        telling = [line for line in lines if re.search(r"(?i)fatal|assert|abort|panic|out of memory", line)]
        return f"status {statuses}: {(telling or lines or [''])[-1][:200]}"

    def pids(self):
        """Of all its processes: each is the leader of a session, or was forked in one."""
        sessions = {process.pid for process in self.processes}
        found = []
        for path in glob.glob("/proc/[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = pathlib.Path(path).read_text().rpartition(")")[2].split()
                if int(fields[3]) in sessions:
                    found.append(int(path.split("/")[2]))
        return found

    def request(self, function, args, deadline_ms=DEADLINE_MS):
        script = "libraries" if function == "order" else "actions"
        return self.protocol.request(
            {"script": script, "function": function, "args": args, "deadline_ms": deadline_ms})

    def environment(self, socket, workers, **more):
        return {"SOCKET": socket, "SCRIPTS": self.folders.scripts, "WORKERS": workers, "MEMORY_MB": MEMORY_MB, **more}


class Lethe(Peer):
    protocol = wire.MessagePack()
    own_pool = True

    def __init__(self, folders, isolation):
        super().__init__(folders, f"Lethe, {isolation}", f"isolation = {isolation}")
        self.isolation = isolation

    def version(self):
        return output_of(self.folders.build / "bin" / "lethed", "--version")

    def command(self, socket, workers):
        folder = socket.parent
        settings = {"workers": workers, "isolation": self.isolation, "memory_mb": MEMORY_MB}
        words = [self.folders.build / "bin" / "lethed", "--socket", socket, "--state-dir", folder / "state",
                 "--cache-dir", self.folders.scratch / "cache"]
        for key, value in settings.items():
            words += ["--set", f"pool.default.{key}={value}"]
        return words, {}

    def start(self, workers):
        super().start(workers)
        for name, warm_up in (("actions", ["tiny 1", "later 1"]), ("libraries", [f"order {json.dumps(ORDER)}"] * 50)):
            words = [self.folders.build / "bin" / "lethe", "script", "put", name, self.folders.scripts / f"{name}.js",
                     "--socket", self.sockets[0]]
            for call in warm_up:
                words += ["--warm-up", call]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        # Its processes have process groups of their own, and end with it.
        for process in self.processes:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
        super().stop()

    def pids(self):
        """Its zygotes are in sessions of their own."""
        family, parents = {process.pid for process in self.processes}, {}
        for path in glob.glob("/proc/[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = pathlib.Path(path).read_text().rpartition(")")[2].split()
                parents[int(path.split("/")[2])] = int(fields[1])
        while True:
            more = {pid for pid, parent in parents.items() if parent in family} - family
            if not more:
                return list(family)
            family |= more


class InNode(Peer):
    """A server of this folder in Node.js."""

    def __init__(self, folders, name, way, server, flags=(), package=None, own_pool=False, note="", **environment):
        super().__init__(folders, name, way)
        self.note = note
        self.server, self.flags, self.package, self.own_pool = server, flags, package, own_pool
        self.more = environment

    def reason_to_leave_out(self):
        if self.package and not self.folders.modules(self.package):
            return f"the package {self.package} is not installed"
        return None if self.folders.node else "there is no Node.js"

    def version(self):
        node = "Node.js " + output_of(self.folders.node, "--version").lstrip("v")
        if not self.package:
            return node
        text = pathlib.Path(self.folders.modules(f"{self.package}/package.json")).read_text()
        return f"{json.loads(text)['version']}, {node}"

    def command(self, socket, workers):
        return [self.folders.node, *self.flags, self.folders.peers / self.server], self.environment(
            socket, workers, **self.more)


class Binary(Peer):
    """A program that a package of npm brings."""

    def __init__(self, folders, name, way, path, **environment):
        super().__init__(folders, name, way)
        self.path, self.more = path, environment

    @property
    def program(self):
        return self.folders.modules(self.path)

    def reason_to_leave_out(self):
        return None if self.program else f"no package has {self.path} for {platform.machine()}"

    def version(self):
        return re.search(r"\d[\w.-]*", output_of(self.program, "--version"))[0]


class Bun(Binary):
    note = "one queue of microtasks for all contexts"

    def command(self, socket, workers):
        return [self.program, self.folders.peers / "node_vm.mjs"], self.environment(socket, workers)


class Deno(Binary):
    protocol = wire.Http()

    @property
    def note(self):
        return "" if self.more else "nothing ends a request"

    def command(self, socket, workers):
        words = [self.program, "run", "--quiet", "--no-lock", "--no-config", "--unstable-worker-options", "--allow-all",
                 f"--v8-flags=--max-old-space-size={MEMORY_MB}", self.folders.peers / "deno.mjs"]
        return words, self.environment(socket, workers, **self.more)


class Workerd(Binary):
    protocol = wire.Http()
    note = "limits of time and memory are not in what is published"

    def command(self, socket, workers):
        words = [self.program, "serve", self.folders.peers / self.more["configuration"], f"--socket-addr=http=unix:{socket}"]
        return words + self.more.get("flags", []), {}


class Php(Peer):
    protocol = wire.FastCgi(str(HERE / "actions" / "actions.php"))
    own_pool = True
    lacks = {"later": "PHP has no async functions", "awaited_loop": "PHP has no async functions", "missing": "not JavaScript"}
    deadline_unit_ms = 1000
    note = "deadlines in whole seconds of CPU time"

    @property
    def program(self):
        roots = ["/", f"{self.folders.peers}/php/"]
        found = [path for root in roots for path in glob.glob(f"{root}usr/sbin/php-fpm*")]
        return found[0] if found else None

    def reason_to_leave_out(self):
        return None if self.program else "php-fpm is neither installed nor unpacked"

    def version(self):
        return output_of(self.program, "-n", "--version").split()[1]

    def command(self, socket, workers):
        user = "user = root\ngroup = root\n" if os.getuid() == 0 else ""
        configuration = socket.parent / "fpm.conf"
        # max_execution_time is of CPU time and ends in an error; request_terminate_timeout kills.
        configuration.write_text(
            f"[global]\nerror_log = {socket.parent}/fpm.log\ndaemonize = no\n"
            f"[actions]\n{user}listen = {socket}\npm = static\npm.max_children = {workers}\n"
            f"request_terminate_timeout = 2s\nphp_admin_value[memory_limit] = {MEMORY_MB}M\n"
            "php_admin_value[max_execution_time] = 1\nphp_admin_flag[display_errors] = on\n")
        root = self.program.partition("usr/sbin")[0]
        opcache = glob.glob(f"{root}usr/lib/php/*/opcache.so")
        words = [self.program, "-n", "-R", "-y", configuration, "-d", "opcache.enable=1", "-d", "html_errors=0"]
        return words + (["-d", f"zend_extension={opcache[0]}"] if opcache else []), {}


ORDER = {"id": "2026-0042", "items": [
    {"name": name, "kind": kind, "price": price} for name, kind, price in (
        ("Sketches", "music", 1999), ("Hammer", "tool", 2450), ("Ulysses", "book", 1200), ("Saw", "tool", 1799),
        ("Middlemarch", "book", 990), ("Blue", "music", 1499), ("Chisel", "tool", 899), ("Emma", "book", 850))]}


def all_peers(folders):
    heap = f"--max-old-space-size={MEMORY_MB}"
    return [
        *(Lethe(folders, isolation) for isolation in ("rewind", "process", "reuse")),
        InNode(folders, "isolated-vm, new context", "a new context in one of two isolates", "isolated_vm.mjs",
               ["--no-node-snapshot"], "isolated-vm", own_pool=True, note="within the process that calls it", FRESH="context"),
        InNode(folders, "isolated-vm, new isolate", "a new isolate, code cache", "isolated_vm.mjs",
               ["--no-node-snapshot"], "isolated-vm", own_pool=True, note="within the process that calls it", FRESH="isolate"),
        InNode(folders, "node:vm", "a new context, timeout, microtaskMode afterEvaluate", "node_vm.mjs", [heap],
               note="no security mechanism, its documentation says"),
        Bun(folders, "bun's node:vm", "a new context, timeout", "@oven/bun-linux-*[0-9]/bin/bun"),
        InNode(folders, "quickjs-emscripten", "a new runtime, interrupt handler", "quickjs.mjs", [heap],
               "quickjs-emscripten", note="an interpreter"),
        InNode(folders, "piscina", "threads that stay, AbortSignal", "piscina.mjs", [], "piscina", own_pool=True),
        InNode(folders, "forked Node.js", "processes that stay, SIGKILL", "forked.mjs", own_pool=True),
        Workerd(folders, "workerd, new isolate", "the worker loader, experimental", "@cloudflare/workerd-linux-*/bin/workerd",
                configuration="workerd_loader.capnp", flags=["--experimental"]),
        Workerd(folders, "workerd", "one isolate that stays", "@cloudflare/workerd-linux-*/bin/workerd",
                configuration="workerd.capnp"),
        Deno(folders, "deno, new worker", "a new Web Worker, terminate()", "@deno/linux-*/deno", FRESH="worker"),
        Deno(folders, "deno", "one isolate that stays", "@deno/linux-*/deno"),
        Php(folders, "php-fpm", "the same action in PHP, opcache; deadline 1 s"),
    ]
