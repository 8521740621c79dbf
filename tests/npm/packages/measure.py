#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make check-packages-npm: each package's task in three pools of a daemon of its own, interleaved.

unwarmed: isolation rewind; warmed: the same, the script put with one example call as its warm-up; reuse: isolation reuse,
after enough calls for V8 to know it. What main() gives, as JSON, has to be what Node.js gives.
"""
import argparse
import contextlib
import itertools
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile
import time

import msgpack

DEADLINE_MS = LOAD_DEADLINE_MS = 30_000  # a warm-up may take a quarter of it
KINDS = {"unwarmed": "rewind", "warmed": "rewind", "reuse": "reuse"}  # pool: its isolation
ROUNDS = 11
ROUND_MS = 15  # of each kind, 3 to 10 calls
REUSE_CALLS, REUSE_S = 100, 0.5  # before reuse is timed: so many, or as many as there is time for, but 20 at least


class Failure(Exception):
    pass


class Daemon:
    """A lethed of its own with these pools, one worker each, and a connection to it."""

    def __init__(self, build, folder, cache, log, settings):
        self.ids = itertools.count(1)
        path = folder / "socket"
        words = [build / "bin" / "lethed", "--socket", path, "--state-dir", folder / "state", "--cache-dir", cache]
        for pool, isolation in KINDS.items():
            words += ["--set", f"pool.{pool}.isolation={isolation}", "--set", f"pool.{pool}.workers=1",
                      "--set", f"pool.{pool}.deadline_ms={DEADLINE_MS}", "--set", f"pool.{pool}.load_deadline_ms={LOAD_DEADLINE_MS}"]
        for setting in settings:
            words += ["--set", setting]
        self.process = subprocess.Popen(list(map(str, words)), stderr=log, env={**os.environ, "TZ": "UTC"})
        self.socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                self.socket.connect(str(path))
                break
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"lethed does not start: see {log.name}")
            time.sleep(0.05)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=1 << 30, unicode_errors="replace")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)

    def messages(self):
        while True:
            yield from self.unpacker
            data = self.socket.recv(1 << 20)
            if not data:
                raise RuntimeError("lethed has gone")
            self.unpacker.feed(data)

    def ask(self, method, *params):
        """The result, and what the notification `stats` said, if it was wanted."""
        number, figures = next(self.ids), {}
        self.socket.sendall(msgpack.packb([0, number, method, params]))
        for message in self.messages():
            if message[0] == 2 and message[1] == "stats":
                figures = message[2][1]
            if message[0] == 1 and message[1] == number:
                if message[2] is not None:
                    raise Failure(message[2]["message"])
                return message[3], figures
        return None

    def run_us(self, kind, name):
        return self.ask("call", name, "main", [], {"pool": kind, "stats": True})[1]["run_us"]

    def worker(self, kind):
        return self.ask("stats")[0]["pools"][kind]["processes"][0]

    def compiled(self, kind):
        return self.ask("script.list", {"pool": kind})[0][0]["compiled"]


def short(text):
    """The beginning of it, on one line."""
    return re.sub(r"\s+", " ", text)[:160]


def put(daemon, kind, name, source):
    options = {"pool": kind, **({"warm_up": [["main", []]]} if kind == "warmed" else {})}
    begin = time.monotonic()
    result = daemon.ask("script.put", name, source, options)[0]
    return round((time.monotonic() - begin) * 1000), result.get("warm_up")


def in_round(daemon, kind, name, calls):
    """The fastest: what else the machine does makes some slower. Under reuse that is one without a collection."""
    return min(daemon.run_us(kind, name) for _ in range(calls))


def per_call(daemon, kind, name, calls=5):
    """What a call costs besides time."""
    def now():
        worker = daemon.worker(kind)
        fields = pathlib.Path(f"/proc/{worker['pid']}/stat").read_text().rpartition(")")[2].split()
        return {"page_faults": int(fields[7]), "pages_put_back": worker["rewind_pages"], "compiled": daemon.compiled(kind)}

    before = now()
    for _ in range(calls):
        daemon.run_us(kind, name)
    return {key: round((value - before[key]) / calls, 1) for key, value in now().items()}


def compare(daemon, kinds, name, source, expected):
    """Each call of two gives what Node.js gives."""
    found = {}
    for kind in kinds:
        found[f"{kind}_put_ms"], warm_up = put(daemon, kind, name, source)
        if warm_up:
            found["warm_up"] = warm_up
    for kind in [*kinds, *kinds]:
        result = daemon.ask("call", name, "json", [], {"pool": kind})[0]
        if expected is not None and result != expected:
            found["wrong_result"] = f"{kind} gives {short(result or '')}, Node.js {short(expected)}"
    return found


def measure(daemon, name, source, expected):
    found = compare(daemon, KINDS, name, source, expected)
    begin = time.monotonic()
    for count in itertools.count(1):
        daemon.run_us("reuse", name)
        if count >= REUSE_CALLS or count >= 20 and time.monotonic() > begin + REUSE_S:
            break
    calls = {}
    for kind in KINDS:  # pages become hot, and the number of calls that fill a round is seen
        usual_us = min(daemon.run_us(kind, name) for _ in range(5))
        calls[kind] = min(max(round(ROUND_MS * 1000 / max(usual_us, 1)), 3), 10)
    rounds = [{kind: in_round(daemon, kind, name, calls[kind]) for kind in KINDS} for _ in range(ROUNDS)]
    for kind in KINDS:
        found[f"{kind}_us"] = statistics.median(each[kind] for each in rounds)
        found[f"{kind}_per_call"] = per_call(daemon, kind, name)
    for other in ("reuse", "unwarmed"):
        ratios = sorted(each["warmed"] / max(each[other], 1) for each in rounds)
        found[f"warmed_to_{other}"] = {"median": statistics.median(ratios), "least": ratios[0], "most": ratios[-1]}
    return found


def check(start, folder, name, bundle, untimed):
    if "error" in bundle:
        return {"wrong": f"not bundled: {bundle['error']}"}
    source = (folder / "scripts" / f"{name}.js").read_text()
    with tempfile.TemporaryDirectory(prefix="lethe-packages-") as scratch:
        daemon = start(pathlib.Path(scratch))
        try:
            if untimed:
                return compare(daemon, ["unwarmed", "reuse"], name, source, bundle.get("expected"))
            return measure(daemon, name, source, bundle.get("expected"))
        except Failure as failure:
            return {"wrong": short(str(failure))}
        finally:
            daemon.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="", help="names, or beginnings of names, separated by commas")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="a setting of the daemon")
    parser.add_argument("--untimed", action="store_true", help="only whether they are right, as on a machine that does something else")
    arguments = parser.parse_args()
    folder = arguments.build / "npm-packages"
    bundles = json.loads((folder / "bundles.json").read_text())
    found = {}
    with tempfile.TemporaryDirectory(prefix="lethe-packages-cache-") as cache, arguments.output.with_suffix(".log").open("w") as log:
        def start(scratch):
            return Daemon(arguments.build, scratch, cache, log, arguments.settings)

        for name, bundle in bundles.items():
            if not name.startswith(tuple(arguments.only.split(","))):
                continue
            of_bundle = {key: bundle.get(key) for key in ("packages", "kb", "how", "node_error")}
            each = found[name] = {**of_bundle, **check(start, folder, name, bundle, arguments.untimed)}
            print(f"{name}: " + (each.get("wrong") or each.get("wrong_result") or arguments.untimed and "right" or
                  f"{each['unwarmed_us']:.0f} {each['warmed_us']:.0f} {each['reuse_us']:.0f} us, "
                  f"{each['warmed_to_reuse']['median']:.2f} x reuse"), flush=True)
            arguments.output.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
