# SPDX-License-Identifier: Apache-2.0
"""The cases of all clients, with both connections."""
from __future__ import annotations

import concurrent.futures
import json
import pathlib
import subprocess
import sys
import threading
import time
import unittest
from collections import defaultdict
from typing import Any, Dict

import harness
from harness import Aio, Daemon, Sync, class_of, same, value_of, wait_until

import lethe

CASES = json.loads(pathlib.Path(__file__).parents[1].joinpath("cases.json").read_text("utf-8"))
DYING_CLIENT = """
import os, sys
sys.path.insert(0, sys.argv[1])
import lethe
js = lethe.connect(sys.argv[2])
js.host("begun")(lambda name: os.kill(os.getpid(), 9))
js.eval(sys.argv[3])
"""
VERBS = {"eval", "call", "chain", "put", "request", "script", "fetch"}


class Scenario:
    """One run of a case's steps on a connection of its own."""

    def __init__(self, test: Cases, connection: Any) -> None:
        self.test, self.connection = test, connection
        self.running: Dict[str, harness.Running] = {}
        self.begun: Dict[str, threading.Event] = defaultdict(threading.Event)
        self.released = threading.Event()
        self.attempts = 0
        self.handles: Dict[str, Any] = {}
        connection.add_hosts({
            "add": lambda a, b: a + b, "echo": lambda *args: list(args), "fail": self.fail, "unsendable": lambda: object(),
            "begun": lambda name: self.begun[name].set(), "released": lambda: self.released.wait(harness.PATIENCE),
            "attempt": self.attempt,
        })

    @staticmethod
    def fail(message: str) -> None:
        raise RuntimeError(message)

    def attempt(self) -> int:
        self.attempts += 1
        return self.attempts

    def play(self, step: Dict[str, Any]) -> None:
        connection, test = self.connection, self.test
        if "start" in step:
            verb, args, options = self.asked(step)
            self.running[step["start"]] = connection.start(verb, *args, **options)
        elif "finish" in step:
            self.expect(step, self.running[step["finish"]].result)
        elif "begun" in step:
            test.assertTrue(self.begun[step["begun"]].wait(harness.PATIENCE))
        elif "attempted" in step:
            wait_until(lambda: self.attempts >= step["attempted"])
        elif "release" in step:
            self.released.set()
        elif "cancel" in step:
            self.running[step["cancel"]].cancel()
        elif "daemon" in step:
            getattr(test.daemon, step["daemon"])()
        elif "close" in step:
            connection.close_connection()
        elif "new_handles" in step:
            self.handles.clear()
        elif "client_dies" in step:
            command = [sys.executable, "-c", DYING_CLIENT, str(harness.PACKAGE), test.daemon.socket, step["client_dies"]]
            test.assertEqual(subprocess.run(command, timeout=harness.PATIENCE).returncode, -9)
        elif "many" in step:
            count = step["many"]
            running = [connection.start("eval", step["eval"], globals={step["global"]: n}) for n in range(count)]
            test.assertEqual([each.result() for each in running], list(range(count)))
        elif "request_until" in step:
            method, path, wanted = step["request_until"]

            def reached() -> bool:
                seen = connection.ask("request", method)
                for key in path:
                    seen = seen[key]
                return bool(seen == wanted)

            wait_until(reached)
        elif "fork" in step:
            test.assertEqual(harness.in_child(lambda: connection.in_child(step["eval"])), repr(step["result"]))
        else:
            self.request(step)

    def asked(self, step: Dict[str, Any]) -> Any:
        verb, = VERBS & step.keys()
        options = value_of(step.get("options", {}))
        args = value_of(step[verb])
        if verb == "eval":
            args = [args]
        elif verb == "call":
            args = [args[0], args[1], *args[2]]
        elif verb == "chain":
            args = [[tuple(each) for each in args[0]], args[1]]
        elif verb == "put":
            args, options = args[:2], args[2]
        elif verb == "request":
            args = [args[0], *args[1]]
        elif verb == "fetch":
            args, options = args[:1], {**args[1], **options}
        return verb, args, options

    def request(self, step: Dict[str, Any]) -> None:
        verb, args, options = self.asked(step)
        if verb == "script":
            name, source, function, parameters = args
            handle = self.handles.setdefault(name, self.connection.js.script(name, source))
            self.expect(step, lambda: self.connection.of_script(handle, function, *parameters))
            return
        report = options["report"] = lethe.Report() if "report" in step else None
        if report is None:
            del options["report"]
        self.expect(step, lambda: self.connection.ask(verb, *args, **options))
        if report is not None:
            self.test.assertEqual([list(line) for line in report.console], step["report"]["console"])
            self.test.assertGreaterEqual(report.stats.keys(), set(step["report"]["stats"]))

    def expect(self, step: Dict[str, Any], ask: Any) -> None:
        test = self.test
        begin = time.monotonic()
        if "error" in step:
            with test.assertRaises((lethe.LetheError, concurrent.futures.CancelledError)) as raised:
                ask()
            self.check_error(raised.exception, step["error"])
        else:
            seen = ask()
            if isinstance(seen, lethe.Response):
                seen = {"status": seen.status, "statusText": seen.status_text, "headers": [list(pair) for pair in seen.headers], "body": seen.body}
            if "contains" in step:
                test.assertGreaterEqual(seen.items(), step["contains"].items())
            elif "result" in step:
                test.assertTrue(same(seen, value_of(step["result"])), f"{seen!r:.300} is not {step['result']!r:.300}")
        if "within_ms" in step:
            test.assertLess((time.monotonic() - begin) * 1000, step["within_ms"])

    def check_error(self, error: Any, wanted: Dict[str, Any]) -> None:
        test = self.test
        if isinstance(error, concurrent.futures.CancelledError):  # asyncio's way of saying so
            test.assertEqual(wanted["code"], "cancelled")
            return
        if "code" in wanted:
            test.assertIs(type(error), class_of(wanted["code"]), repr(error))
        for key, value in wanted.items():
            seen = getattr(error, key)
            if isinstance(seen, lethe.LetheError):
                self.check_error(seen, value)
            elif key == "errors":
                for one, expected in zip(seen, value):
                    if isinstance(one, lethe.LetheError):
                        self.check_error(one, expected)
                    else:
                        test.assertEqual(one, expected)
            else:
                test.assertEqual(seen, value_of(value), f"{key} of {error!r}")


class Cases:
    """Made a TestCase for each connection, with a method for each case."""

    kind: Any
    daemon: Any
    assertEqual: Any
    assertTrue: Any
    assertLess: Any
    assertIs: Any
    assertGreaterEqual: Any
    assertRaises: Any

    @classmethod
    def setUpClass(cls) -> None:
        cls.daemon = Daemon(*CASES["settings"])

    @classmethod
    def tearDownClass(cls) -> None:
        cls.daemon.end()

    def setUp(self) -> None:
        if self.daemon.process.poll() is not None:
            self.daemon.start()  # the case before has failed
        self.connection = self.kind(self.daemon.socket)

    def tearDown(self) -> None:
        self.connection.close()

    def from_script(self, case: Dict[str, Any]) -> None:
        self.value(case, {"eval": case["source"]})

    def to_script(self, case: Dict[str, Any]) -> None:
        self.value(case, {"eval": case.get("check", "x"), "options": {"globals": {"x": case["value"]}, "deadline": 20.0}, "result": True})

    def value(self, case: Dict[str, Any], step: Dict[str, Any]) -> None:
        step.update((key, case[key]) for key in ("error", "contains") if key in case)
        if "value" in case and "result" not in step:
            step["result"] = case["value"]
        if "python" in case.get("cannot", {}):
            try:
                self.connection.ask("eval", step["eval"])
            except lethe.InvalidValue:
                pass
            self.assertEqual(self.connection.ask("eval", "1"), 1)  # no other request suffers from it
            return
        Scenario(self, self.connection).request(step)

    def scenario(self, case: Dict[str, Any]) -> None:
        play = Scenario(self, self.connection)
        for step in case["steps"]:
            try:
                play.play(step)
            except AssertionError as error:
                raise AssertionError(f"{json.dumps(step)}: {error}") from error


def cases_of(connection: Any) -> type:
    methods: Dict[str, Any] = {"kind": connection}
    for part in ("from_script", "to_script"):
        for case in CASES[part]:
            methods[f"test_{part}_{case['name']}"] = lambda self, case=case, part=part: getattr(self, part)(case)
    for case in CASES["scenarios"]:
        methods[f"test_{case['name']}"] = lambda self, case=case: self.scenario(case)
    return type(f"Cases_{connection.name}", (Cases, unittest.TestCase), methods)


SyncCases = cases_of(Sync)
AioCases = cases_of(Aio)

if __name__ == "__main__":
    unittest.main()
