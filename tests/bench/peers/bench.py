#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench-peers: the same actions in Lethe and in what else runs actions, interleaved, as a table and as JSON."""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import peers
import report

ACTIONS = {"tiny": [1], "order": [peers.ORDER], "later": [1]}
IN_FLIGHT = (1, 16)
HOSTILE = ("loop", "regular_expression", "native_loop", "awaited_loop")
HOSTILE_DEADLINE_MS = 100
PATIENCE_MS = 2000  # after a deadline: what has not answered then, will not
AFTERMATH_MS = 3000  # how long it may still end its process
BOMB_DEADLINE_MS = 10_000
BOMB_PEER_MB = 1500  # more than that and it is ended: it would take the machine's
PROCESSORS = len(os.sched_getaffinity(0))


class Bench:
    def __init__(self, folders, effort):
        self.folders, self.effort = folders, effort
        self.program = folders.build / "tests" / "bench-peers-load"
        self.requests = 0

    def load(self, peer, function, in_flight=1, milliseconds=0, deadline_ms=peers.DEADLINE_MS, patience_ms=10_000, sockets=None):
        """Figures of the load client; `reply`, its first one, decoded; None if there was none."""
        self.requests += 1
        file = self.folders.scratch / f"request{self.requests % 64}"
        file.write_bytes(peer.request(function, ACTIONS.get(function, []), deadline_ms))
        words = [self.program, peer.protocol.name, file, in_flight, milliseconds, patience_ms, *(sockets or peer.sockets)]
        figures = json.loads(subprocess.run(list(map(str, words)), check=True, stdout=subprocess.PIPE, text=True).stdout)
        reply = bytes.fromhex(figures["reply"])
        try:
            figures["reply"] = peer.protocol.reply(reply) if reply else None
        except ValueError:
            figures["reply"] = {"error": f"no reply: {reply[:200]}"}
        return figures

    def answers(self, peer):
        """Whether all of its processes answer."""
        figures = [self.load(peer, "tiny", patience_ms=2000, sockets=[socket]) for socket in peer.sockets]
        return all(each["reply"] == {"result": 2} for each in figures)

    def restart(self, peer, workers=PROCESSORS):
        peer.stop()
        peer.start(workers)
        end = time.monotonic() + 20
        while not self.answers(peer):
            if time.monotonic() > end:
                raise RuntimeError(f"{peer.name} does not answer")

    def alone(self, peer):
        """What is measured while no other peer is there."""
        memory = self.memory(peer)
        self.restart(peer)
        left_behind = self.clean_state(peer)
        self.restart(peer)
        deadlines = self.deadlines(peer)
        return {"memory": memory, "left_behind": left_behind, "deadlines": deadlines, "bomb": self.bomb(peer)}

    # --- what is asked ---

    def clean_state(self, peer):
        """What one request leaves that a later one finds: {global, prototype, variable: bool}."""
        for _ in range(8):
            self.load(peer, "leave", in_flight=4)
        found = {}
        for _ in range(8):
            for socket in peer.sockets:
                reply = self.load(peer, "look", in_flight=1, sockets=[socket])["reply"]
                for what, there in reply["result"].items():
                    found[what] = found.get(what, False) or there
        return found

    def throughput(self, running):
        """{peer: {action: {in_flight: figures}}}: medians of rounds in which all take turns."""
        rounds = {}
        for number in range(self.effort.rounds + 1):  # the first one is to get warm
            for action in ACTIONS:
                for in_flight in IN_FLIGHT:
                    for peer in running:
                        if action in peer.lacks:
                            continue
                        figures = self.load(peer, action, in_flight, self.effort.slice_ms if number else self.effort.slice_ms // 2)
                        if "result" not in (figures["reply"] or {}):
                            print(f"{peer.name}: {action} failed: {figures['reply']}", file=sys.stderr)
                        if number:
                            rounds.setdefault((peer.name, action, in_flight), []).append(figures)
            print(f"round {number} of {self.effort.rounds}", file=sys.stderr)
        result = {}
        for (name, action, in_flight), each in rounds.items():
            medians = {key: statistics.median(figures[key] for figures in each)
                       for key in ("per_second", "p50_us", "p90_us", "p99_us")}
            medians["requests"] = sum(figures["good"] for figures in each)
            medians["failed"] = sum(figures["failed"] for figures in each)
            result.setdefault(name, {}).setdefault(action, {})[str(in_flight)] = medians
        return result

    def missing(self, peer):
        """APIs that a script does not find; None where there is no JavaScript."""
        return None if "missing" in peer.lacks else self.load(peer, "missing")["reply"]["result"]

    def check_results(self, peer):
        """What the actions give."""
        return {action: self.load(peer, action)["reply"] for action in ACTIONS if action not in peer.lacks}

    def memory_kb(self, peer):
        """What all of its processes have, shared pages divided among those who share them."""
        total = 0
        for pid in peer.pids():
            with contextlib.suppress(OSError):
                for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    total += int(line.split()[1]) if line.startswith("Pss:") else 0
        return total

    def memory(self, peer):
        """kB of the service with as many workers as processors, and of each of four workers more."""
        sizes = []
        for workers in (PROCESSORS, PROCESSORS + 4):
            self.restart(peer, workers)
            self.load(peer, "tiny", in_flight=4 * workers, milliseconds=500)
            time.sleep(1)
            sizes.append(self.memory_kb(peer))
        return {"service_kb": sizes[0], "worker_kb": (sizes[1] - sizes[0]) / 4}

    def hostile(self, peer, function, deadline_ms, patience_ms):
        """One request that does not end by itself, while another caller goes on."""
        others = {}
        neighbour = threading.Thread(target=lambda: others.update(self.load(
            peer, "tiny", in_flight=len(peer.sockets), milliseconds=deadline_ms + 100, patience_ms=patience_ms)))
        neighbour.start()
        time.sleep(0.02)
        begin = time.monotonic()
        with self.watched(peer) as watch:
            figures = self.load(peer, function, deadline_ms=deadline_ms, patience_ms=patience_ms, sockets=peer.sockets[:1])
            # As the client saw it; without a reply, with the client's start.
            elapsed_ms = figures["most_us"] / 1000 if figures["good"] else 1000 * (time.monotonic() - begin)
            unanswered = not figures["reply"] and not figures["closed"]
            if not figures["reply"]:
                # Unanswered, it goes on and may take the process with it; closed, the process may be about to end.
                self.await_end(peer, AFTERMATH_MS if unanswered else 500)
        neighbour.join()
        outcome = {"reply": figures["reply"], "closed": figures["closed"] > 0, "elapsed_ms": elapsed_ms,
                   "neighbour_most_ms": others["most_us"] / 1000, "neighbour_failed": others["failed"],
                   "ended_by_us": watch["ended"], "most_mb": watch["most_mb"]}
        outcome["exited"] = sum(process.poll() is not None for process in peer.processes)
        outcome["last_words"] = peer.last_words() if outcome["exited"] else None
        outcome["serves"] = self.answers(peer)
        if unanswered or not outcome["serves"]:
            self.restart(peer)
        return outcome

    def await_end(self, peer, milliseconds):
        end = time.monotonic() + milliseconds / 1000
        while time.monotonic() < end and all(process.poll() is None for process in peer.processes):
            time.sleep(0.05)

    @contextlib.contextmanager
    def watched(self, peer):
        """Ends the peer when it takes more memory than a machine should have to give."""
        watch, done = {"ended": False, "most_mb": 0}, threading.Event()

        def look():
            while not done.wait(0.05):
                used_mb = sum(resident_mb(pid) for pid in peer.pids())
                watch["most_mb"] = max(watch["most_mb"], used_mb)
                if used_mb > BOMB_PEER_MB and not watch["ended"]:
                    watch["ended"] = True
                    for process in peer.processes:
                        process.kill()

        thread = threading.Thread(target=look)
        thread.start()
        try:
            yield watch
        finally:
            done.set()
            thread.join()

    def deadlines(self, peer):
        result = {}
        for function in HOSTILE:
            if function in peer.lacks:
                result[function] = {"lacks": peer.lacks[function]}
                continue
            deadline_ms = max(HOSTILE_DEADLINE_MS, peer.deadline_unit_ms)
            rounds = []
            for _ in range(self.effort.repetitions):
                rounds.append(self.hostile(peer, function, deadline_ms, deadline_ms + PATIENCE_MS))
                if rounds[-1]["reply"] is None:
                    break  # it will not answer the next time either
            late = [each["elapsed_ms"] - deadline_ms for each in rounds if each["reply"] or each["closed"]]
            result[function] = {
                "deadline_ms": deadline_ms,
                "rounds": len(rounds),
                "late_ms": statistics.median(late) if late else None,
                "most_late_ms": max(late) if late else None,
                **worst(rounds),
                "neighbour_most_ms": statistics.median(each["neighbour_most_ms"] for each in rounds),
                "neighbour_failed": sum(each["neighbour_failed"] for each in rounds),
            }
        return result

    def bomb(self, peer):
        """Whatever takes memory without end."""
        rounds = []
        while len(rounds) < self.effort.repetitions and not (rounds and rounds[-1]["ended_by_us"]):
            rounds.append(self.hostile(peer, "bomb", BOMB_DEADLINE_MS, BOMB_DEADLINE_MS + PATIENCE_MS))
        return {
            "rounds": len(rounds),
            "elapsed_ms": statistics.median(each["elapsed_ms"] for each in rounds),
            "most_mb": max(each["most_mb"] for each in rounds),
            **worst(rounds),
            "neighbour_most_ms": max(each["neighbour_most_ms"] for each in rounds),
            "neighbour_failed": sum(each["neighbour_failed"] for each in rounds),
        }


def compare_results(of_peers):
    """Everybody does the same work: what one gives, all give."""
    wanted = {}
    for name, of_peer in of_peers.items():
        for action, reply in of_peer.pop("replies").items():
            if reply != wanted.setdefault(action, reply):
                print(f"{name}: {action} gives {reply} instead of {wanted[action]}", file=sys.stderr)


def worst(rounds):
    """How they ended: a service that dies once dies."""
    return {
        "reply": rounds[-1]["reply"],
        "serves": all(each["serves"] for each in rounds),
        "ended_by_us": any(each["ended_by_us"] for each in rounds),
        "last_words": next((each["last_words"] for each in rounds if each["last_words"]), None),
        **{key: sum(each[key] > 0 for each in rounds) for key in ("closed", "exited")},
    }


def resident_mb(pid):
    try:
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
    except (OSError, IndexError):
        return 0


def machine():
    models = [line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    memory_kb = int(open("/proc/meminfo").readline().split()[1])
    system = dict(line.rstrip().partition("=")[::2] for line in open("/etc/os-release") if "=" in line)
    return {
        "processors": PROCESSORS,
        "model": models[0] if models else platform.machine(),
        "memory_gb": round(memory_kb / 1e6, 1),
        "system": system.get("PRETTY_NAME", "").strip('"'),
        "kernel": platform.release().split("-")[0],
        "load_average": [round(each, 2) for each in os.getloadavg()],
    }


def run(bench, wanted):
    figures = {"machine": machine(), "date": datetime.date.today().isoformat(), "memory_mb": peers.MEMORY_MB,
               "deadline_ms": HOSTILE_DEADLINE_MS, "rounds": bench.effort.rounds, "slice_ms": bench.effort.slice_ms,
               "peers": {}, "left_out": {}}
    running = []
    try:
        for peer in peers.all_peers(bench.folders):
            if wanted and not any(part in peer.name for part in wanted):
                continue
            reason = peer.reason_to_leave_out()
            try:
                if not reason:
                    bench.restart(peer)
            except RuntimeError as failure:
                reason = str(failure)
                peer.stop()
            if reason:
                figures["left_out"][peer.name] = reason
                print(f"left out: {peer.name}: {reason}", file=sys.stderr)
                continue
            running.append(peer)
            figures["peers"][peer.name] = {"way": peer.way, "version": peer.version(), "note": peer.note, "lacks": peer.lacks,
                                           "missing": bench.missing(peer), "replies": bench.check_results(peer)}
        for name, actions in bench.throughput(running).items():
            figures["peers"][name]["actions"] = actions
        for peer in running:
            peer.stop()
        for peer in running:
            print(f"{peer.name}: memory, state, deadlines", file=sys.stderr)
            try:
                figures["peers"][peer.name].update(bench.alone(peer))
            except RuntimeError as failure:
                del figures["peers"][peer.name]
                figures["left_out"][peer.name] = str(failure)
            peer.stop()
    finally:
        for peer in running:
            peer.stop()
    compare_results(figures["peers"])
    figures["machine"]["load_average_after"] = [round(each, 2) for each in os.getloadavg()]
    return figures


def main():
    parser = argparse.ArgumentParser(description="Measures Lethe against what else runs actions.")
    parser.add_argument("--build", default="build", help="the folder with what was built")
    parser.add_argument("--output", help="where the figures go as JSON")
    parser.add_argument("--peers", default="", help="only those whose names have one of these, with commas between")
    parser.add_argument("--quick", action="store_true", help="short, to see that it works")
    arguments = parser.parse_args()
    effort = argparse.Namespace(rounds=5, slice_ms=300, repetitions=3)
    if arguments.quick:
        effort = argparse.Namespace(rounds=1, slice_ms=100, repetitions=1)
    with tempfile.TemporaryDirectory(prefix="lethe-peers-") as scratch:
        folders = peers.Folders(pathlib.Path(arguments.build).resolve(), pathlib.Path(scratch))
        peers.prepare_scripts(folders)
        figures = run(Bench(folders, effort), [part for part in arguments.peers.split(",") if part])
    print(report.table(figures))
    if arguments.output:
        pathlib.Path(arguments.output).write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
