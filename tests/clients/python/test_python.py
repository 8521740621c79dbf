# SPDX-License-Identifier: Apache-2.0
"""What concerns Python alone: its values, threads, forks, signals, retries, the private daemon."""
from __future__ import annotations

import array
import asyncio
import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import gc
import json
import os
import pickle
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest
import warnings
from unittest import mock

import harness
from harness import Daemon, in_child, wait_until

import lethe
import lethe.aio
from lethe import errors, session, values

SLOW = 300  # a deadline that is not what ends the test


class WithDaemon(unittest.TestCase):
    daemon: Daemon

    @classmethod
    def setUpClass(cls) -> None:
        cls.daemon = Daemon()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.daemon.end()

    def setUp(self) -> None:
        self.js = lethe.connect(self.daemon.socket)
        self.addCleanup(self.js.close)


@dataclasses.dataclass
class Point:
    x: int
    tags: frozenset


class Colour(enum.Enum):
    RED = "red"


class Values(WithDaemon):
    def seen(self, value: object) -> object:
        """As JSON.stringify() has it in the script."""
        return self.js.eval("JSON.stringify(x)", globals={"x": value})

    def refused(self, value: object, advice: str, path: str) -> None:
        with self.assertRaises(lethe.InvalidValue) as raised:
            self.js.eval("1", globals={"x": value})
        self.assertIn(advice, raised.exception.message)
        self.assertTrue(str(raised.exception.path).endswith(path), raised.exception.path)
        self.assertIsInstance(raised.exception, ValueError)

    def test_sets_tuples_ranges_and_arrays_are_arrays(self) -> None:
        self.assertEqual(self.seen([{1}, frozenset("a"), (1, 2), range(3), array.array("i", [1, 2]), {"k": 1}.keys()]),
                         '[[1],["a"],[1,2],[0,1,2],[1,2],["k"]]')

    def test_dataclasses_mappings_and_enums(self) -> None:
        mapping = types.MappingProxyType({"a": 1})
        ordered = collections.OrderedDict(b=1, a=2)
        self.assertEqual(self.seen([Point(1, frozenset([2])), mapping, ordered, Colour.RED]),
                         '[{"x":1,"tags":[2]},{"a":1},{"b":1,"a":2},"red"]')

    def test_buffers_are_bytes(self) -> None:
        self.assertEqual(self.js.eval("x", globals={"x": [b"a", bytearray(b"b"), memoryview(b"c")]}), [b"a", b"b", b"c"])

    def test_dates_of_any_time_zone_come_back_in_utc(self) -> None:
        zone = datetime.timezone(datetime.timedelta(hours=-5))
        for when in (datetime.datetime(2026, 1, 31, 12, 0, 0, 123000, zone), datetime.datetime(1, 1, 2, tzinfo=zone),
                     datetime.datetime(9999, 12, 1, tzinfo=zone), datetime.datetime(1969, 12, 31, 23, 59, 59, 999000, zone)):
            seen = self.js.eval("x", globals={"x": when})
            self.assertEqual((seen, seen.tzinfo), (when, datetime.timezone.utc))

    def test_every_millisecond_of_a_second_comes_back(self) -> None:
        begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        whens = [begin + datetime.timedelta(milliseconds=each) for each in range(1000)]
        self.assertEqual(self.js.eval("x", globals={"x": whens}), whens)

    def test_microseconds_are_floored_to_milliseconds(self) -> None:
        when = datetime.datetime(2026, 1, 1, 0, 0, 0, 1999, datetime.timezone.utc)
        self.assertEqual(self.js.eval("x.getTime() % 1000", globals={"x": when}), 1)

    def test_derived_datetimes_are_dates(self) -> None:
        class Stamp(datetime.datetime):
            pass

        self.assertEqual(self.js.eval("x.getTime()", globals={"x": Stamp(1970, 1, 1, 0, 0, 1, tzinfo=datetime.timezone.utc)}), 1000)

    def test_what_has_no_counterpart_says_what_to_give(self) -> None:
        self.refused({"when": datetime.datetime(2026, 1, 1)}, "without a time zone", ".x.when")
        self.refused([datetime.date(2026, 1, 1)], ".isoformat()", ".x[0]")
        self.refused(datetime.timedelta(1), ".total_seconds()", ".x")
        self.refused([[decimal.Decimal("1.1")]], "str(value)", ".x[0][0]")
        self.refused({"a": (1, 2**64)}, "beyond 64 bits", ".x.a[1]")
        self.refused([-(2**63) - 1], "beyond 64 bits", ".x[0]")
        self.refused(Point(2**64, frozenset()), "beyond 64 bits", ".x.x")
        self.refused(object(), "object is nothing", ".x")
        self.refused(1j, ".real", ".x")

    def test_cycles_and_lone_surrogates_are_refused(self) -> None:
        cycle: list = []
        cycle.append(cycle)
        for value, advice in ((cycle, "contains itself"), ("\ud800", "lone surrogate"), (memoryview(b"abcd")[::2], "contiguous")):
            with self.assertRaises(lethe.InvalidValue) as raised:
                self.js.eval("1", globals={"x": value})
            self.assertIn(advice, raised.exception.message)

    def test_a_reply_that_python_cannot_hold_harms_no_other(self) -> None:
        for source in ("new Date(8.64e15)", "[[{a: new Date(8.64e15)}]]", "new Map([[{}, 1]])"):
            with self.assertRaises(lethe.InvalidValue):
                self.js.eval(source)
        self.assertEqual(self.js.eval("new Map([[[1, [new Date(0)]], [new Date(0)]]])"),
                         {(1, (datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc),)):
                          [datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)]})

    def test_host_calls_with_what_python_cannot_hold_are_rejected(self) -> None:
        self.js.host("f")(lambda x: x)
        self.assertEqual(self.js.eval("host.call('f', new Map([[{}, 1]])).catch((e) => e.code)"), "invalid_value")

    @unittest.skipUnless(harness.has("numpy"), "numpy is not installed")
    def test_numpy(self) -> None:
        import numpy

        self.assertEqual(self.seen([numpy.int8(-1), numpy.uint64(5), numpy.float32(0.5), numpy.bool_(True), numpy.str_("s"),
                                    numpy.arange(4).reshape(2, 2), numpy.array([1.5]), numpy.array(["a"])]),
                         '[-1,5,0.5,true,"s",[[0,1],[2,3]],[1.5],["a"]]')
        self.assertEqual(self.js.eval("x", globals={"x": numpy.uint64(2**64 - 1)}), 2**64 - 1)
        self.refused(numpy.datetime64("2026-01-01T00:00:00"), "without a time zone", ".x")
        self.refused(numpy.array([1j]), ".real", ".x[0]")
        self.refused(numpy.longdouble(1), "nothing that JavaScript knows", ".x")


class Errors(WithDaemon):
    def test_every_code_of_the_protocol_has_a_class(self) -> None:
        text = (harness.ROOT / "client" / "PROTOCOL.md").read_text("utf-8")
        table = text[text.index("| code | further keys"):].partition("\n\n")[0]
        codes = [code for line in table.splitlines()[2:] for code in re.findall("`(.*?)`", line.split("|")[1])]
        self.assertGreater(len(codes), 15)
        for code in codes:
            self.assertIsNot(type(errors.from_reply({"code": code, "message": ""})), lethe.LetheError, code)

    def test_a_code_of_a_later_version_is_a_lethe_error(self) -> None:
        error = errors.from_reply({"code": "brand_new", "message": "so", "more": 1})
        self.assertEqual((type(error), error.code, str(error), error.details["more"]), (lethe.LetheError, "brand_new", "so", 1))
        self.assertEqual(str(errors.from_reply("text")), "text")

    def test_they_survive_pickle(self) -> None:
        for source in ("throw Object.assign(new TypeError('x', {cause: new Error('y')}), {a: 1})", "while (true);", "}{"):
            with self.assertRaises(lethe.LetheError) as raised:
                self.js.eval(source, deadline=0.1)
            copy = pickle.loads(pickle.dumps(raised.exception))
            self.assertEqual((type(copy), copy.details, str(copy)),
                             (type(raised.exception), raised.exception.details, str(raised.exception)))

    def test_they_are_pythons_errors_too(self) -> None:
        with self.assertRaises(TimeoutError):
            self.js.eval("while (true);", deadline=0.1)
        with self.assertRaises(ConnectionError):
            lethe.connect("/nowhere/socket", connect_timeout=0)
        with self.assertRaises(lethe.ScriptError) as raised:
            self.js.eval("throw new Error('outer', {cause: new Error('inner')})")
        self.assertRegex(str(raised.exception.__cause__), r"^Error: inner \(eval:1:\d+\)$")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_forbidden(self) -> None:
        os.chmod(self.daemon.socket, 0o666)

        def as_nobody() -> str:
            os.setgid(65534)
            os.setuid(65534)
            try:
                self.js.put("a", "1")
            except lethe.Forbidden as error:
                return f"{error.code} {self.js.script('nobody/knows', 'function f() {}').f.__name__}"
            return "put"

        self.assertEqual(in_child(as_nobody), "'forbidden <lambda>'")


class Fetch(WithDaemon):
    SITE = """export default {
        fetch: async (request, env) => Response.json({ method: request.method, key: env.key, type: request.headers.get('content-type'),
                                                       sent: await request.text() }, { status: 404, headers: [['X-A', '1'], ['x-a', '2']] }),
        wait: () => new Promise(() => setTimeout(() => {}, 1e6)),
    }"""

    def test_a_response_by_name_and_by_handle(self) -> None:
        self.js.put("python/site", self.SITE, module=True)
        handle = self.js.script("python/handle", self.SITE, module=True)
        for script in ("python/site", handle):
            response = self.js.fetch(script, "https://example.com/", headers={"Content-Type": "a/b"}, body="é", env={"key": [1]})
            self.assertEqual((response.status, response.ok, response.status_text), (404, False, ""))
            self.assertEqual((response.header("X-A"), response.header("none")), ("1, 2", None))
            self.assertEqual(response.json(), {"method": "POST", "key": [1], "type": "a/b", "sent": "é"})
            self.assertEqual(json.loads(response.text()), response.json())

    def test_asyncio_options_and_errors(self) -> None:
        async def use() -> None:
            async with lethe.aio.connect(self.daemon.socket) as js:
                handle = js.script("python/aio", self.SITE, module=True)
                self.assertEqual((await js.fetch(handle, "https://example.com/", method="DELETE")).json()["method"], "DELETE")
                with self.assertRaises(lethe.DeadlineExceeded):
                    await js.fetch(handle, "https://example.com/", function="default.wait", deadline=0.1)
                with self.assertRaises(lethe.InvalidValue):
                    await js.fetch(handle, "/relative")

        asyncio.run(use())


class Threads(WithDaemon):
    def test_many_threads_share_one_connection(self) -> None:
        wrong = []

        def work(first: int) -> None:
            for each in range(first, first + 100):
                try:
                    if self.js.eval("x", globals={"x": each}) != each:
                        wrong.append(each)
                except lethe.LetheError as error:
                    wrong.append(error)

        threads = [threading.Thread(target=work, args=(n * 1000,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(self.js.request("stats")["connections"], 1)

    def test_a_slow_request_holds_up_nobody(self) -> None:
        begun = threading.Event()
        self.js.host("begun")(begun.set)
        slow = threading.Thread(target=lambda: self.js.eval("host.call('begun').then(() => new Promise((r) => setTimeout(r, 1500)))"))
        slow.start()
        begun.wait(harness.PATIENCE)
        begin = time.monotonic()
        self.assertEqual(self.js.eval("1"), 1)
        self.assertLess(time.monotonic() - begin, 1.4)
        slow.join()

    def test_large_values_of_many_threads_both_ways(self) -> None:
        wrong = []

        def work(n: int) -> None:
            value = bytes([n]) * 5_000_000
            for _ in range(2):
                if self.js.eval("x", globals={"x": value}, deadline=SLOW / 10) != value:
                    wrong.append(n)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_closing_wakes_all_who_wait(self) -> None:
        ended = []
        begun = threading.Semaphore(0)
        self.js.host("begun")(lambda: begun.release())

        def work() -> None:
            try:
                self.js.eval("host.call('begun').then(() => new Promise((r) => setTimeout(r, 20000)))", deadline=25)
            except lethe.Cancelled as error:
                ended.append(error)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in threads:
            self.assertTrue(begun.acquire(timeout=harness.PATIENCE))
        self.js.close()
        for thread in threads:
            thread.join(harness.PATIENCE)
        self.assertEqual(len(ended), 3)
        with self.assertRaises(lethe.Cancelled):
            self.js.eval("1")


class Forks(WithDaemon):
    def test_children_have_connections_of_their_own(self) -> None:
        self.js.eval("1")
        self.assertEqual([in_child(lambda n=n: self.js.eval("x * 2", globals={"x": n})) for n in range(4)], ["0", "2", "4", "6"])
        self.assertEqual(self.js.eval("2"), 2)
        self.assertEqual(in_child(lambda: in_child(lambda: self.js.eval("3"))), "'3'")

    def test_a_fork_while_another_thread_waits(self) -> None:
        begun = threading.Event()
        self.js.host("begun")(begun.set)
        result = []
        slow = threading.Thread(target=lambda: result.append(
            self.js.eval("host.call('begun').then(() => new Promise((r) => setTimeout(() => r(7), 1000)))")))
        slow.start()
        begun.wait(harness.PATIENCE)
        self.assertEqual([in_child(lambda: self.js.eval("1")) for _ in range(5)], ["1"] * 5)
        slow.join()
        self.assertEqual(result, [7])

    def test_a_fork_within_a_host_function(self) -> None:
        self.js.host("forks")(lambda: in_child(lambda: self.js.eval("5")))
        self.assertEqual(self.js.eval("host.call('forks')"), "5")

    def test_a_dead_child_and_a_closing_child_harm_nobody(self) -> None:
        self.assertIsNone(in_child(lambda: os.kill(os.getpid(), signal.SIGKILL)))
        self.assertEqual(in_child(self.js.close), "None")
        self.assertEqual(self.js.eval("2"), 2)

    def test_the_parents_end_is_seen_while_a_child_lives(self) -> None:
        """The child's copy of the socket would keep its parent's connection open."""
        connection = lethe.connect(self.daemon.socket)
        before = self.js.request("stats")["connections"]
        pid = os.fork()
        if pid == 0:
            time.sleep(SLOW)
            os._exit(0)
        connection.close()
        wait_until(lambda: self.js.request("stats")["connections"] == before - 1)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def test_multiprocessing(self) -> None:
        import multiprocessing

        with multiprocessing.get_context("fork").Pool(3, initializer=_keep, initargs=(self.js,)) as pool:
            self.assertEqual(pool.map(_double, range(20)), [2 * n for n in range(20)])

    def test_workers_that_end_after_some_tasks(self) -> None:
        """As Celery's do: the parent has used its connection, and forks again and again."""
        import multiprocessing

        self.js.eval("1")
        with multiprocessing.get_context("fork").Pool(2, initializer=_keep, initargs=(self.js,), maxtasksperchild=2) as pool:
            self.assertEqual(pool.map(_double, range(12), chunksize=1), [2 * n for n in range(12)])
        self.assertEqual(self.js.eval("2"), 2)

    def test_a_prefork_server(self) -> None:
        """As WSGI's do: connects while it is loaded, listens, forks; each child answers from the same socket."""
        import urllib.request
        import wsgiref.simple_server

        class Quiet(wsgiref.simple_server.WSGIRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

        def application(environ: dict, start_response: object) -> list:
            answer = self.js.eval("x + 1", globals={"x": int(environ["PATH_INFO"][1:])})
            start_response("200 OK", [])  # type: ignore[operator]
            return [f"{answer} {os.getpid()}".encode()]

        self.js.eval("1")
        with wsgiref.simple_server.make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
            workers: list = []
            while len(workers) < 3:
                workers.append(os.fork())
                if workers[-1] == 0:
                    server.serve_forever()
            try:
                by = set()
                for n in range(60):
                    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/{n}", timeout=harness.PATIENCE) as reply:
                        answer, worker = reply.read().split()
                    self.assertEqual(int(answer), n + 1)
                    by.add(int(worker))
                self.assertLessEqual(by, set(workers))
                self.assertEqual(self.js.eval("2"), 2)
            finally:
                for worker in workers:
                    os.kill(worker, signal.SIGKILL)
                    os.waitpid(worker, 0)

    def test_an_asyncio_connection_in_a_child(self) -> None:
        async def parent() -> None:
            async with lethe.aio.connect(self.daemon.socket) as js:
                await js.eval("1")
                _kept["aio"] = js
                self.assertEqual(in_child(_in_a_new_loop), "6")
                self.assertEqual(await js.eval("2"), 2)

        asyncio.run(parent())


_kept: dict = {}


def _keep(js: lethe.Connection) -> None:
    _kept["js"] = js


def _double(n: int) -> object:
    return _kept["js"].eval("x * 2", globals={"x": n})


def _in_a_new_loop() -> object:
    asyncio.events._set_running_loop(None)  # as a server does that forks within its loop
    asyncio.set_event_loop(None)
    return asyncio.run(_kept["aio"].eval("6"))


class Signals(WithDaemon):
    def test_ctrl_c_cancels_the_request_and_the_connection_stays(self) -> None:
        program = f"""
import os, signal, sys, threading
sys.path.insert(0, {str(harness.PACKAGE)!r})
import lethe
js = lethe.connect({self.daemon.socket!r})
@js.host("begun")
def begun():
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
for _ in range(3):
    try:
        js.eval("host.call('begun').then(() => {{ while (true); }})", deadline=20)
    except KeyboardInterrupt:
        assert js.eval("6 * 7") == 42
        print("interrupted", js.request("stats")["connections"])
"""
        seen = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, timeout=harness.PATIENCE)
        self.assertEqual((seen.returncode, seen.stdout), (0, "interrupted 2\n" * 3))
        wait_until(lambda: self.js.request("stats")["in_flight"] <= 1)

    def test_signals_whose_handlers_return_disturb_nothing(self) -> None:
        previous = signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        try:
            for n in range(300):
                self.assertEqual(self.js.eval("x", globals={"x": n}), n)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)

    def test_a_storm_of_exceptions_from_a_handler_breaks_no_result(self) -> None:
        class Storm(Exception):
            pass

        def raises(*_: object) -> None:
            raise Storm

        warnings.simplefilter("ignore", ResourceWarning)  # of a socket that was not yet anybody's when it came
        previous = signal.signal(signal.SIGALRM, raises)
        interrupted = 0
        n = 0
        end = time.monotonic() + 3
        done = False
        while not done:
            n += 1
            try:  # it may come anywhere in here
                signal.setitimer(signal.ITIMER_REAL, 0.0001 + (n % 23) * 0.0001)
                self.assertEqual(self.js.eval("x", globals={"x": n}), n)
                signal.setitimer(signal.ITIMER_REAL, 0)
                done = time.monotonic() > end
            except Storm:
                interrupted += 1
            except lethe.ConnectionLost:
                pass  # it hit between receiving and understanding
        signal.signal(signal.SIGALRM, previous)
        self.assertGreater(interrupted, 0)
        self.assertEqual(self.js.eval("1"), 1)
        self.assertEqual(len(self.js._link.session.in_flight), 0)


class Retries(WithDaemon):
    def test_only_idempotent_requests_are_repeated_by_the_users_policy(self) -> None:
        asked = []

        class Policy(lethe.Retry):
            def delay(self, error: lethe.LetheError, attempt: int) -> float | None:
                asked.append((error.code, attempt))
                return 0.01 if attempt < 3 else None

        js = lethe.connect(self.daemon.socket, retry=Policy())
        self.addCleanup(js.close)
        for source, options, expected in (("1", {"pool": "none"}, []),
                                          ("1", {"pool": "none", "idempotent": True}, [("not_found", n) for n in (1, 2, 3)])):
            with self.assertRaises(lethe.NotFound):
                js.eval(source, **options)
            self.assertEqual(asked, expected)

    def test_the_usual_policy(self) -> None:
        policy = lethe.Retry(attempts=3, first_delay=0.1, longest_delay=0.15)
        lost = errors.lost("", sent=True)
        self.assertTrue(0.05 <= (policy.delay(lost, 1) or 0) <= 0.1)
        self.assertTrue(0.075 <= (policy.delay(lost, 2) or 0) <= 0.15)
        self.assertIsNone(policy.delay(lost, 3))
        busy = errors.from_reply({"code": "overloaded", "message": "", "retry_after_ms": 200})
        self.assertTrue(0.2 <= (policy.delay(busy, 1) or 0) <= 0.3)
        self.assertIsNone(policy.delay(errors.from_reply({"code": "script_error", "message": ""}), 1))

    def test_no_repetition_beyond_the_budget(self) -> None:
        request = session.Request("eval", ("1",), 0.05, {"idempotent": True})
        self.assertIsNone(request.delay(errors.from_reply({"code": "overloaded", "message": "", "retry_after_ms": 200}), 1, lethe.Retry()))


class Budget(WithDaemon):
    def test_what_is_sent_is_what_is_left(self) -> None:
        request = session.Request("eval", ("1",), 0.5, None)
        time.sleep(0.2)
        *_, options = values.unpack(values.pack([0]) and request.body(1 << 20)[5:])
        self.assertTrue(1 <= options["deadline_ms"] <= 300, options)

    def test_a_stopped_daemon_is_not_waited_for_beyond_the_deadline(self) -> None:
        daemon = Daemon()
        self.addCleanup(daemon.end)
        js = lethe.connect(daemon.socket)
        self.addCleanup(js.close)
        os.kill(daemon.process.pid, signal.SIGSTOP)
        try:
            begin = time.monotonic()
            with self.assertRaises(lethe.DeadlineExceeded) as raised:
                js.eval("1", deadline=0.2)
            self.assertEqual(raised.exception.phase, "waiting")
            self.assertTrue(1.1 < time.monotonic() - begin < 4)

            async def awaits() -> None:
                connection = await lethe.aio.connect(daemon.socket)
                with self.assertRaises(lethe.DeadlineExceeded) as raised:
                    await connection.eval("1", deadline=0.2)
                self.assertEqual(raised.exception.phase, "waiting")
                await connection.close()

            asyncio.run(awaits())
        finally:
            os.kill(daemon.process.pid, signal.SIGCONT)
        self.assertEqual(js.eval("1"), 1)


class PlayedDaemon:
    """Accepts connections and sends each of them what it is to send after each request's first bytes."""

    def __init__(self, answer: bytes) -> None:
        self.folder = tempfile.mkdtemp(prefix="lethe-clients-")
        self.path = f"{self.folder}/socket"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1 << 16)
                connection.sendall(self.answer)

    def end(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        shutil.rmtree(self.folder)


class QuietCall(session.Call):
    def notify(self) -> None:
        pass


class BrokenDaemon(unittest.TestCase):
    """What no daemon sends, and a half of what it does, ends requests and nothing else."""

    def test_bytes_that_are_no_reply(self) -> None:
        for answer in (b"", b"\xc1", b"\x00", b"\x94\x01", b"\x80", b"\x90", b"\x94\x01\xc0\xc0\xc0", b"\x93\x01\x01\xc0", b"\x94\x05\x01\x01\x01",
                       b"\x93\x02\xa7console\x01", b"\x94\x00\x01\xa9host.call\x90", b"\x91" * 3000, b"\x94\x01\x01\xc0\xc7\x03\xff123",
                       b"\x94\x01\x81\x01\x01\xc0\xc0", b"HTTP/1.1 400 Bad Request\r\n\r\n"):
            with self.subTest(answer=answer[:40]):
                daemon = PlayedDaemon(answer)
                with lethe.connect(daemon.path) as js, self.assertRaises((lethe.ConnectionLost, lethe.InvalidValue)) as raised:
                    js.eval("1", deadline=5)
                self.assertTrue(raised.exception.code == "invalid_value" or raised.exception.sent)

                async def awaits(path: str) -> None:
                    async with lethe.aio.connect(path) as js:
                        await js.eval("1", deadline=5)

                with self.assertRaises((lethe.ConnectionLost, lethe.InvalidValue)):
                    asyncio.run(awaits(daemon.path))
                daemon.end()

    def test_any_bytes(self) -> None:
        chance = random.Random(1)
        whole = values.pack((1, 1, None, {"a": [1, b"x", None], "when": datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)}))
        for _ in range(20_000):
            data = bytearray(whole)
            for _ in range(chance.randrange(1, 4)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            conversation = session.Session()
            call = QuietCall(None)
            conversation.begin(call)
            cut = chance.randrange(len(data))
            try:
                conversation.receive(bytes(data[:cut]))
                conversation.receive(bytes(data[cut:]))
            except session.NOT_UNDERSTOOD:
                pass


class Private(unittest.TestCase):
    def test_it_starts_and_ends_with_the_connection(self) -> None:
        with lethe.connect(private=True) as js:
            self.assertEqual(js.eval("6 * 7"), 42)
            folder, pid = os.path.dirname(js.socket), js.ping()["pid"]
            self.assertEqual(in_child(lambda: (js.eval("1"), js.close())[0]), "1")
            self.assertEqual(js.eval("2"), 2)
        self.assertFalse(os.path.exists(folder))
        self.assertFalse(os.path.exists(f"/proc/{pid}"))

    def test_it_ends_with_a_process_that_is_killed_though_its_child_lives(self) -> None:
        program = f"""
import os, sys, time
sys.path.insert(0, {str(harness.PACKAGE)!r})
import lethe
js = lethe.connect(private=True)
child = os.fork()
if child == 0:
    time.sleep({SLOW})
print(js.ping()["pid"], os.path.dirname(js.socket), child, flush=True)
os.kill(os.getpid(), 9)
"""
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        pid, folder, child = process.stdout.readline().split()
        try:
            self.assertEqual(process.wait(harness.PATIENCE), -9)
            wait_until(lambda: not os.path.exists(f"/proc/{pid}") and not os.path.exists(folder))
        finally:
            process.stdout.close()
            os.kill(int(child), signal.SIGKILL)

    def test_it_says_why_it_did_not_start(self) -> None:
        os.environ["LETHED"] = "/bin/false"
        try:
            with self.assertRaisesRegex(lethe.ConnectionLost, "did not start"):
                lethe.connect(private=True)
        finally:
            del os.environ["LETHED"]
        with mock.patch("os.access", return_value=False), mock.patch("shutil.which", return_value=None):
            with self.assertRaisesRegex(lethe.ConnectionLost, "install the package lethe"):
                lethe.connect(private=True)

    def test_asyncio(self) -> None:
        async def use() -> object:
            async with lethe.aio.connect(private=True) as js:
                return await js.eval("6 * 7")

        self.assertEqual(asyncio.run(use()), 42)


class Aio(WithDaemon):
    def test_one_connection_in_several_loops_one_after_the_other(self) -> None:
        js = lethe.aio.connect(self.daemon.socket)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of the loops that were closed before it
            self.assertEqual([asyncio.run(js.eval(str(n))) for n in range(3)], [0, 1, 2])
            asyncio.run(js.close())
            del js
            gc.collect()

    def test_cancelling_a_task_ends_the_script_and_its_host_functions(self) -> None:
        ended = []

        async def use() -> None:
            async with lethe.aio.connect(self.daemon.socket) as js:
                begun = asyncio.Event()

                @js.host("hang")
                async def hang() -> None:
                    begun.set()
                    try:
                        await asyncio.sleep(SLOW)
                    finally:
                        ended.append(1)

                task = asyncio.create_task(js.eval("host.call('hang')", deadline=30))
                await begun.wait()
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                while (await js.request("stats"))["in_flight"] > 1 or not ended:
                    await asyncio.sleep(0.01)

        asyncio.run(use())

    def test_wait_for_cancels(self) -> None:
        async def use() -> None:
            async with lethe.aio.connect(self.daemon.socket) as js:
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(js.eval("while (true);", deadline=30), 0.1)
                while (await js.request("stats"))["in_flight"] > 1:
                    await asyncio.sleep(0.01)

        asyncio.run(use())

    def test_requests_beyond_the_connections_limit_wait(self) -> None:
        async def use() -> object:
            async with lethe.aio.connect(self.daemon.socket, max_in_flight=4) as js:
                return sum(await asyncio.gather(*[js.eval("1") for _ in range(100)]))

        self.assertEqual(asyncio.run(use()), 100)


@unittest.skipUnless(harness.has("fastapi", "uvicorn"), "fastapi and uvicorn are not installed")
class FastApi(WithDaemon):
    """client/examples/fastapi with four processes."""

    def test_four_processes_share_one_pool(self) -> None:
        folder = harness.ROOT / "client" / "examples" / "fastapi"
        sys.path.insert(0, str(folder))
        self.addCleanup(sys.path.remove, str(folder))
        import load

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--app-dir", str(folder), "--workers", "4", "--port", str(port), "--no-access-log",
             "--log-level", "warning", "app:app"],
            env={**os.environ, "PYTHONPATH": str(harness.PACKAGE), "LETHE_SOCKET": self.daemon.socket}, start_new_session=True)
        try:
            def started() -> bool:
                with socket.socket() as probe:
                    listens = probe.connect_ex(("127.0.0.1", port)) == 0
                return listens and self.js.request("stats")["connections"] == 5  # its four, and this one

            wait_until(started, 4 * harness.PATIENCE)

            async def use() -> None:
                times = await load.logins(port, 1)
                self.assertGreater(len(times), load.CLIENTS)
                loops = asyncio.ensure_future(load.endless_loops(port))
                await asyncio.sleep(0.4)
                self.assertGreater(len(await load.logins(port, 1)), load.CLIENTS)  # which go on meanwhile
                loops.cancel()
                await asyncio.gather(loops, return_exceptions=True)
                client = await load.Client().open(port)
                for _ in range(10):
                    status, body = await client.post("/visit")
                    self.assertEqual((status, json.loads(body)["visits"]), (200, 1))
                client.close()

            asyncio.run(use())
            self.assertEqual(self.js.request("stats")["connections"], 5)
        finally:
            server.terminate()
            try:
                server.wait(harness.PATIENCE)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGKILL)


class Readme(unittest.TestCase):
    def test_its_programs_print_what_it_says(self) -> None:
        blocks = re.findall(r"```(\w*)\n(.*?)```", (harness.PACKAGE / "README.md").read_text("utf-8"), re.DOTALL)
        programs = [(text, blocks[n + 1][1]) for n, (language, text) in enumerate(blocks) if language == "python"]
        self.assertEqual(len(programs), 2)
        for program, output in programs:
            seen = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, timeout=2 * harness.PATIENCE,
                                  env={**os.environ, "PYTHONPATH": os.pathsep.join([str(harness.PACKAGE), os.environ.get("PYTHONPATH", "")])})
            self.assertEqual(seen.stdout, output)


if __name__ == "__main__":
    unittest.main()
