# SPDX-License-Identifier: Apache-2.0
"""The figures of make bench-peers as tables."""
import re

ACTION_TITLES = {"tiny": "tiny action (W1)", "order": "ajv, lodash, crypto-js (W2)", "later": "async action"}
HOSTILE_TITLES = {"loop": "loop", "regular_expression": "reg. exp.", "native_loop": "native loop", "awaited_loop": "awaited loop"}


def is_figure(cell):
    return re.fullmatch(r"[\d,]+(\.\d+)?( (µs|ms|MB))?", cell)


def columns(rows):
    """Lines of text, figures to the right."""
    indices = range(len(rows[0]))
    widths = [max(len(row[i]) for row in rows) for i in indices]
    right = [i > 0 and any(is_figure(row[i]) for row in rows) for i in indices]

    def line(row):
        return "  ".join(row[i].rjust(widths[i]) if right[i] else row[i].ljust(widths[i]) for i in indices).rstrip()

    return "\n".join(map(line, rows))


def clean_state(of_peer):
    left = [what for what, there in of_peer["left_behind"].items() if there]
    return "no: " + ", ".join(left) if left else "yes"


def time_text(microseconds):
    return f"{microseconds:.0f} µs" if microseconds < 1000 else f"{microseconds / 1000:.1f} ms"


def how_it_died(outcome):
    times = "" if outcome["exited"] == outcome["rounds"] else f", {outcome['exited']} of {outcome['rounds']} times"
    return "process dies" + times


def deadline(of_peer, function):
    outcome = of_peer["deadlines"][function]
    if "lacks" in outcome:
        return "n/a"
    if outcome["exited"] and not outcome["ended_by_us"]:
        return how_it_died(outcome)
    if outcome["late_ms"] is None:
        return "no answer"
    text = f"{outcome['late_ms']:.0f} ms"
    if outcome["reply"] is None:
        text += ", closed"
    elif "result" in outcome["reply"]:
        text = "ends by itself"
    elif re.search(r"(?i)memory", outcome["reply"]["error"]):
        text = "memory limit"
    return text if outcome["serves"] else text + ", then hangs"


def bomb(of_peer):
    outcome = of_peer["bomb"]
    if outcome["ended_by_us"]:
        return f"grows beyond {outcome['most_mb'] / 1000:.1f} GB"
    if outcome["exited"]:
        return how_it_died(outcome)
    if outcome["reply"] is None and not outcome["closed"]:
        return "no answer"
    in_memory = outcome["reply"] and re.search(r"(?i)memory", str(outcome["reply"].get("error")))
    end = "closed" if outcome["closed"] else "memory limit" if in_memory else "deadline"
    end += f", {outcome['elapsed_ms'] / 1000:.1f} s"
    return end if outcome["serves"] else end + ", then hangs"


def others(of_peer):
    """How long another caller's tiny action took at most, while a loop ran to its deadline."""
    outcome = of_peer["deadlines"]["loop"]
    return "fail" if outcome["neighbour_failed"] else f"{outcome['neighbour_most_ms']:.0f} ms"


def peers_table(figures):
    rows = [["", "version", "how", "what scripts lack"]]
    for name, of_peer in figures["peers"].items():
        lacks = list(dict.fromkeys([*(of_peer["missing"] or []), *of_peer["lacks"].values()]))
        way = of_peer["way"] + (f" ({of_peer['note']})" if of_peer["note"] else "")
        rows.append([name, of_peer["version"], way, ", ".join(lacks) or "-"])
    return columns(rows)


def throughput_table(figures, action):
    rows = [[ACTION_TITLES[action], "req/s, 1", "p50", "p99", "req/s, 16", "p50", "p99", "failed"]]
    for name, of_peer in figures["peers"].items():
        counts = of_peer.get("actions", {}).get(action)
        if not counts:
            rows.append([name, "n/a", *[""] * 6])
            continue
        row = [name]
        for in_flight in ("1", "16"):
            one = counts[in_flight]
            row += [f"{one['per_second']:,.0f}", time_text(one["p50_us"]), time_text(one["p99_us"])]
        rows.append(row + [str(sum(one["failed"] for one in counts.values()))])
    return columns(rows)


def behaviour_table(figures):
    rows = [["", "clean state", "service", "worker", *HOSTILE_TITLES.values(), "others, in loop", "memory bomb"]]
    for name, of_peer in figures["peers"].items():
        memory = of_peer["memory"]
        rows.append([name, clean_state(of_peer), f"{memory['service_kb'] / 1000:.0f} MB", f"{memory['worker_kb'] / 1000:.1f} MB",
                     *(deadline(of_peer, function) for function in HOSTILE_TITLES), others(of_peer), bomb(of_peer)])
    return columns(rows)


def machine_text(machine):
    return (f"{machine['processors']} processors ({machine['model']}), {machine['memory_gb']} GB, {machine['system']}, "
            f"Linux {machine['kernel']}")


def table(figures):
    machine = figures["machine"]
    before, after = machine["load_average"][0], machine["load_average_after"][0]
    parts = [f"{machine_text(machine)}; load average {before} before, {after} after"]
    parts += [peers_table(figures)]
    parts += [throughput_table(figures, action) for action in ACTION_TITLES]
    parts += [behaviour_table(figures)]
    parts += ["\n".join(f"left out: {name}: {reason}" for name, reason in figures["left_out"].items())]
    return "\n\n".join(part for part in parts if part)
