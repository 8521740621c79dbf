# SPDX-License-Identifier: Apache-2.0
"""The figures of make bench-peers as tables."""

ACTION_TITLES = {"tiny": "tiny action (W1)", "order": "ajv, lodash, crypto-js (W2)", "later": "async action"}
HOSTILE_TITLES = {"loop": "loop", "regular_expression": "reg. exp.", "native_loop": "native loop", "awaited_loop": "awaited loop"}


def columns(rows):
    """Lines of text, the first column to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
                     for row in rows)  # fmt: skip


def clean_state(of_peer):
    left = [what for what, there in of_peer["left_behind"].items() if there]
    return "no: " + ", ".join(left) if left else "yes"


def time_text(microseconds):
    return f"{microseconds:.0f} µs" if microseconds < 1000 else f"{microseconds / 1000:.1f} ms"


def deadline(of_peer, function):
    figures = of_peer["deadlines"][function]
    if "lacks" in figures:
        return "n/a"
    if figures["late_ms"] is None:
        return "process dies" if figures["exited"] and not figures["ended_by_us"] else "no answer"
    text = f"{figures['late_ms']:.0f} ms"
    error = str(figures["reply"].get("error", "")).lower()
    if "memory" in error and "deadline" not in error:
        text = "memory limit"
    if "result" in figures["reply"]:
        text = "ended by itself"
    return text if figures["serves"] else text + ", then hangs"


def bomb(of_peer):
    figures = of_peer["bomb"]
    if figures["ended_by_us"]:
        return f"grows beyond {figures['most_mb'] / 1000:.1f} GB"
    if figures["reply"] is None:
        return "process dies" if figures["exited"] else "no answer"
    end = f"error after {figures['elapsed_ms'] / 1000:.1f} s"
    if not figures["serves"]:
        return end + ", then hangs"
    return end + (f", {figures['neighbour_failed']} other calls fail" if figures["neighbour_failed"] else "")


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
    rows = [["", "clean state", "service", "worker", *(f"{title}" for title in HOSTILE_TITLES.values()), "memory bomb"]]
    for name, of_peer in figures["peers"].items():
        memory = of_peer["memory"]
        rows.append([name, clean_state(of_peer), f"{memory['service_kb'] / 1000:.0f} MB", f"{memory['worker_kb'] / 1000:.1f} MB",
                     *(deadline(of_peer, function) for function in HOSTILE_TITLES), bomb(of_peer)])  # fmt: skip
    return columns(rows)


def table(figures):
    machine = figures["machine"]
    parts = [f"{machine['processors']} processors ({machine['model']}), {machine['memory_gb']} GB, {machine['system']}, Linux {machine['kernel']}; "
             f"load average {machine['load_average'][0]} before, {machine.get('load_average_after', [0])[0]} after"]  # fmt: skip
    parts += [columns([["", "version", "how"]] + [[name, of_peer["version"], of_peer["way"]] for name, of_peer in figures["peers"].items()])]
    parts += [throughput_table(figures, action) for action in ACTION_TITLES]
    parts += [behaviour_table(figures)]
    parts += ["\n".join(f"left out: {name}: {reason}" for name, reason in figures["left_out"].items())]
    return "\n\n".join(part for part in parts if part)
