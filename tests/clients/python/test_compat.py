# SPDX-License-Identifier: Apache-2.0
"""Programs of other packages with another import: lethe.compat."""
from __future__ import annotations

import concurrent.futures
import os
import unittest

import harness
from harness import Daemon, in_child

import lethe
from lethe import compat
from lethe.compat import execjs, never_jscore


class WithDaemon(unittest.TestCase):
    daemon: Daemon

    @classmethod
    def setUpClass(cls) -> None:
        cls.daemon = Daemon()
        cls.js = lethe.connect(cls.daemon.socket)
        compat.use(cls.js)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.js.close()
        cls.daemon.end()


class NeverJscore(WithDaemon):
    def test_compile_call_evaluate(self) -> None:
        context = never_jscore.Context(enable_extensions=True)
        context.compile("function add(a, b) { return a + b; } const K = 5;")
        context.compile("const tools = {times: {k(n) { return [n * K, this === tools.times]; }}}; // the end")
        self.assertEqual(context.call("add", [1, 2]), 3)
        self.assertEqual(context.call("tools.times.k", [2]), [10, True])
        self.assertEqual(context.evaluate("const u = new URL('https://a.b/c?d=1'); ({host: u.host, query: u.search, k: K})"),
                         {"host": "a.b", "query": "?d=1", "k": 5})

    def test_what_eval_does_stays_as_code_that_was_compiled(self) -> None:
        context = never_jscore.Context()
        self.assertIsNone(context.eval("var count = 1"))
        self.assertIsNone(context.eval("count += 1"))
        self.assertEqual(context.evaluate("count"), 2)
        self.assertEqual(context.eval("count += 1", return_value=True), 3)
        self.assertEqual(context.evaluate("count"), 2)

    def test_each_call_starts_clean(self) -> None:
        context = never_jscore.Context()
        context.compile("let visits = 0; function visit() { return ++visits; }")
        self.assertEqual([context.call("visit", []) for _ in range(3)], [1, 1, 1])

    def test_promises_are_awaited_unless_told_otherwise(self) -> None:
        context = never_jscore.Context()
        context.compile("async function later(x) { await new Promise((r) => setTimeout(r, 1)); return x; }")
        self.assertEqual(context.call("later", [7]), 7)
        self.assertEqual(context.evaluate("Promise.resolve(10).then((x) => x * 2)"), 20)
        self.assertEqual(context.call("later", [7], auto_await=False), {})

    def test_values_are_those_of_json(self) -> None:
        evaluate = never_jscore.Context().evaluate
        self.assertEqual(evaluate("[undefined, NaN, new Date(0), 1.5, () => 1, {a: undefined, b: null}]"),
                         [None, None, "1970-01-01T00:00:00.000Z", 1.5, None, {"b": None}])
        self.assertIsNone(evaluate("undefined"))
        self.assertIsNone(evaluate("(() => 1)"))

    def test_errors_are_lethes(self) -> None:
        context = never_jscore.Context()
        context.compile("function fail() { throw new TypeError('no'); }")
        with self.assertRaisesRegex(lethe.ScriptError, "TypeError: no"):
            context.call("fail", [])
        with self.assertRaisesRegex(lethe.ScriptError, "missing is not defined"):
            context.call("missing", [])
        with self.assertRaises(lethe.DeadlineExceeded):
            never_jscore.Context(deadline=0.2).evaluate("while (true);")
        with self.assertRaises(lethe.CompileError):
            context.compile("}{")
        with self.assertRaisesRegex(lethe.ScriptError, "no"):
            context.compile("fail()")
        self.assertEqual(context.evaluate("typeof fail"), "function")  # what failed is not part of it

    def test_what_is_not_there_says_what_to_do(self) -> None:
        with self.assertRaisesRegex(NotImplementedError, "Math.random"):
            never_jscore.Context(random_seed=1)
        with self.assertRaisesRegex(NotImplementedError, "lethe heap"):
            never_jscore.Context().take_heap_snapshot("x")
        with self.assertRaises(AttributeError):
            never_jscore.Context().nonsense

    def test_engine(self) -> None:
        source = "function double(x) { return x * 2; } function kind() { return typeof Buffer; }"
        with never_jscore.JSEngine(source, workers=4) as engine:
            self.assertEqual(engine.workers, 4)
            with concurrent.futures.ThreadPoolExecutor(10) as threads:
                self.assertEqual(list(threads.map(lambda n: engine.call("double", [n]), range(100))), [2 * n for n in range(100)])
            self.assertEqual(engine.execute("double(4) + 1"), 9)
            self.assertEqual(engine.call("kind", []), "undefined")
        self.assertEqual(never_jscore.JSEngine(source, enable_node_compat=True).call("kind", []), "function")

    def test_an_engine_of_the_parent_in_its_children(self) -> None:
        engine = never_jscore.JSEngine("function triple(x) { return x * 3; }", workers=1)
        self.assertEqual([in_child(lambda n=n: engine.call("triple", [n])) for n in range(3)], ["0", "3", "6"])
        self.assertEqual(engine.call("triple", [3]), 9)

    def test_the_same_code_is_one_script(self) -> None:
        def scripts() -> int:
            return sum(each["name"].startswith("compat/") for each in self.js.request("script.list", {}))

        never_jscore.Context().compile("function once() {}")
        before = scripts()
        for _ in range(3):
            compat.program.cache_clear()  # as in another process
            never_jscore.Context().compile("function once() {}")
        self.assertEqual(scripts(), before)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_who_may_not_write_scripts_sends_them_along(self) -> None:
        os.chmod(self.daemon.socket, 0o666)

        def as_nobody() -> object:
            os.setgid(65534)
            os.setuid(65534)
            context = never_jscore.Context()
            context.compile("let n = 1; function next() { return ++n; }")
            return [context.call("next", []), context.call("next", []), context.evaluate("n")]

        self.assertEqual(in_child(as_nobody), "[2, 2, 1]")


class Execjs(WithDaemon):
    def test_eval_and_exec(self) -> None:
        for source, value in (("'red yellow blue'.split(' ')", ["red", "yellow", "blue"]), ("", None), ("  ", None), ("0", 0),
                              ("function(){}", None), ("[1, function() {}]", [1, None]), ("{a: true, b: function() {}}", {"a": True}),
                              ("'\\u3042'", "\u3042"), ('"\u3042"', "\u3042"), (r'"\\"', "\\"),
                              ("this === (function() { return this; })()", True)):
            self.assertEqual(execjs.eval(source), value, source)
        for source, value in (("1", None), ("return", None), ("return null", None), ("return {a: 1}", {"a": 1}),
                              ("var x = 2; return x // two", 2)):
            self.assertEqual(execjs.exec_(source), value, source)

    def test_contexts(self) -> None:
        context = execjs.compile("a = {b: {id: function(v) { return v; }}}; function add(x, y) { return x + y; }")
        self.assertEqual(context.call("add", 1, 2), 3)
        self.assertEqual(context.call("a.b.id", {"k": ["bar"]}), {"k": ["bar"]})
        self.assertEqual(context.eval("add(1, 1)"), 2)
        self.assertEqual(context.exec_("return add('a', 'b')"), "ab")

    def test_errors(self) -> None:
        with self.assertRaisesRegex(execjs.ProgramError, "^hello$"):
            execjs.exec_("throw 'hello'")
        with self.assertRaisesRegex(execjs.ProgramError, "^TypeError: no$"):
            execjs.exec_("throw new TypeError('no')")
        with self.assertRaisesRegex(execjs.ProgramError, "missing is not defined"):
            execjs.compile("").call("missing")
        for source in (")", "return eval(')')"):
            with self.assertRaises(execjs.RuntimeError):
                execjs.exec_(source)
        with self.assertRaises(execjs.RuntimeError) as raised:
            execjs.exec_("while (true);")
        self.assertIsInstance(raised.exception.__cause__, lethe.DeadlineExceeded)

    def test_runtimes(self) -> None:
        self.assertEqual((execjs.get("Node").name, execjs.get().eval("1 + 1")), ("Lethe", 2))
        self.assertEqual(list(execjs.available_runtimes()), ["Lethe"])

    def test_no_daemon(self) -> None:
        daemon = Daemon()
        compat.use(lethe.connect(daemon.socket, connect_timeout=0.1))
        try:
            daemon.end()
            with self.assertRaises(execjs.RuntimeUnavailableError):
                execjs.eval("1")
            self.assertEqual(execjs.available_runtimes(), {})
        finally:
            compat.connection().close()
            compat.use(self.js)


class Connections(unittest.TestCase):
    def test_where_there_is_no_service_there_is_a_daemon_of_this_process(self) -> None:
        def alone() -> object:
            os.environ["LETHE_SOCKET"] = "/nowhere/socket"
            compat._connection = None
            try:
                return execjs.eval("6 * 7")
            finally:
                compat.connection().close()

        self.assertEqual(in_child(alone, 2 * harness.PATIENCE), "42")


if __name__ == "__main__":
    unittest.main()
