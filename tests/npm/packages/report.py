#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The figures of measure.py as client/PACKAGES.md: report.py FIGURES REASONS OUTPUT. Fails where one wants a reason and has none.

A reason (reasons.json, by entry) says why a warmed call takes more than four times what it takes under reuse, or why an entry
can't be measured.
"""
import json
import pathlib
import statistics
import sys

GOOD, MOST = 1.5, 4
NOISE = 1.1  # less than that slower than unwarmed is none

HEAD = """# Packages from npm

Popular packages, each bundled by `lethe bundle --classic` ([SCRIPTS.md](SCRIPTS.md#libraries-from-npm)), and a small real task for each
([tests/npm/packages/entries](../tests/npm/packages/entries)). `make check-packages-npm` installs them in the versions of
[package-lock.json](../tests/npm/packages/package-lock.json), puts them into a `lethed` of its own, compares what they give with
Node.js, measures, and writes this page. It wants `npm` and Debian's `python3-msgpack`.

Times are `run_us` of a call in milliseconds: the fastest of each of at least five interleaved rounds (what else the machine does
makes others slower), and the median of the rounds. *rewind* is without a warm-up; *warmed* is `rewind` where `script.put` had one
example call as its `warm_up` ([PROTOCOL.md](PROTOCOL.md#warm-up)); *reuse* comes after 20 to 100 calls. *× reuse* is the second
by the third, in brackets the least and the most of the rounds. *put* is what `script.put` took, in milliseconds; *rounds* is how
often the warm-up ran the call, with * where V8 still compiled something at the end, *faults* the page faults of a warmed call.
*how bundled* says which modules of Node.js were replaced, which are there but throw when a function of theirs is called, which packages
are not installed and throw when they are required, of which package another file is taken, and `flag v` where regular expressions
were compiled; nothing where esbuild does it alone. *kB* is without the source map.
`deadline_ms` and `load_deadline_ms` are 30,000.

{summary}

| entry | versions | kB | right | how bundled | put, warmed | put | rounds | faults | rewind | warmed | reuse | × reuse | |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def ms(us):
    return f"{us / 1000:.3g}"


def how_bundled(how):
    words = {"replaced": "", "throwing": "throw: ", "missing": "not installed: ", "substituted": "another file: "}
    parts = [word + ", ".join(how[kind]) for kind, word in words.items() if how and how[kind]]
    return "; ".join(parts + (["flag v"] if how and how["regexps"] else []))


def row(name, each, reason):
    versions = ", ".join(f"{package} {version}" for package, version in each["packages"].items())
    if "wrong" in each:
        why = reason or each["wrong"].replace("|", "\\|")
        return f"| {name} | {versions} | {each['kb'] or ''} | no | {how_bundled(each['how'])} | | | | | | | | | {why} |"
    ratio, warm_up = each["warmed_to_reuse"], each["warm_up"]
    cells = [
        name, versions, each["kb"], "no" if "wrong_result" in each else "Node.js can't" if each["node_error"] else "yes", how_bundled(each["how"]),
        each["warmed_put_ms"], each["unwarmed_put_ms"], f"{warm_up['rounds']}{'' if warm_up['steady'] else '*'}",
        round(each["warmed_per_call"]["page_faults"]), ms(each["unwarmed_us"]), ms(each["warmed_us"]), ms(each["reuse_us"]),
        f"{ratio['median']:.2f} ({ratio['least']:.2f} to {ratio['most']:.2f})",
        reason or each.get("wrong_result", "").replace("|", "\\|"),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def main():
    figures, reasons, output = (pathlib.Path(name) for name in sys.argv[1:])
    found, reasons = json.loads(figures.read_text()), json.loads(reasons.read_text())
    measured = {name: each for name, each in found.items() if "wrong" not in each}
    ratios = {name: each["warmed_to_reuse"]["median"] for name, each in measured.items()}
    slower = [name for name, each in measured.items() if each["warmed_to_unwarmed"]["median"] > NOISE]
    summary = (f"{sum('wrong_result' not in each for each in measured.values())} of {len(found)} entries are right. A warmed call takes {statistics.median(ratios.values()):.2f} × "
               f"`reuse` at the median; {sum(ratio > GOOD for ratio in ratios.values())} take more than {GOOD} ×, "
               f"{sum(ratio > MOST for ratio in ratios.values())} more than {MOST} ×. "
               f"Slower warmed than unwarmed: {', '.join(slower) or 'none'}.")
    rows = [row(name, each, reasons.get(name, "")) for name, each in found.items()]
    output.write_text(HEAD.format(summary=summary) + "\n".join(rows) + "\n")
    print(summary)
    unexplained = [name for name, ratio in ratios.items() if ratio > MOST and name not in reasons]
    if unexplained:
        sys.exit(f"more than {MOST} × reuse, and no reason in {sys.argv[2]}: {', '.join(unexplained)}")


if __name__ == "__main__":
    main()
