#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the figures of make bench-peers, for light and for dark pages: charts.py FIGURES.json FOLDER"""
import json
import math
import pathlib
import re
import sys
from xml.sax.saxutils import escape

import report

COLOURS = {
    "light": {"text": "#1f2328", "faint": "#59636e", "grid": "#d1d9e0",
              "lethe": "#0969da", "clean": "#54aeff", "kept": "#b6bfc9", "none": "#cf222e"},
    "dark": {"text": "#f0f6fc", "faint": "#9198a1", "grid": "#3d444d",
             "lethe": "#4493f8", "clean": "#1f6feb", "kept": "#656c76", "none": "#f85149"},
}
NAMES_WIDTH, PANEL_GAP, VALUE_WIDTH, ROW, WIDTH = 180, 16, 66, 22, 860
FONT = "-apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"


class Drawing:
    def __init__(self, colours):
        self.colours, self.parts, self.bottom = colours, [], 0

    def text(self, x, y, words, colour="text", size=12, anchor="start", weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" fill="{self.colours[colour]}" font-size="{size}" '
                          f'text-anchor="{anchor}" font-weight="{weight}">{escape(words)}</text>')
        self.bottom = max(self.bottom, y)

    def bar(self, x, y, width, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{ROW - 8}" rx="2" '
                          f'fill="{self.colours[colour]}"/>')

    def line(self, x, top, bottom):
        self.parts.append(f'<line x1="{x:.1f}" y1="{top:.1f}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="{self.colours["grid"]}"/>')

    def svg(self, title):
        height = self.bottom + 14
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" '
                f'role="img" font-family="{escape(FONT)}"><title>{escape(title)}</title>\n' + "\n".join(self.parts) + "\n</svg>\n")


class Panel:
    """Bars on a logarithmic axis."""

    def __init__(self, left, width, least, most):
        self.left, self.width = left, width - VALUE_WIDTH
        self.least, self.most = least, most

    def x(self, value):
        share = math.log(max(value, self.least) / self.least) / math.log(self.most / self.least)
        return self.left + share * self.width

    def ticks(self):
        value = self.least
        while value <= self.most * 1.001:
            yield value
            value *= 10


def short(value):
    """Two digits at least, and no zero behind the point."""
    number, unit = (value / 1000, "k") if value >= 1000 else (value, "")
    return f"{number:.1f}".removesuffix(".0") + unit if number < 10 else f"{number:.0f}{unit}"


def is_clean(of_peer):
    return not any(of_peer["left_behind"].values())


def colour(name, of_peer):
    return "kept" if not is_clean(of_peer) else "lethe" if name.startswith("Lethe") else "clean"


def groups(figures):
    """Those with clean state, then those without, the fastest first."""
    rate = lambda item: -item[1]["actions"]["tiny"]["16"]["per_second"]
    everyone = sorted(figures["peers"].items(), key=rate)
    return [("clean state for each request", [item for item in everyone if is_clean(item[1])]),
            ("state stays from request to request", [item for item in everyone if not is_clean(item[1])])]


def draw(figures, colours, title, panels, cell, note=""):
    """Rows of peers, a bar in each panel. `panels` are (heading, Panel); `cell` gives value, text and colour."""
    drawing = Drawing(colours)
    drawing.text(0, 18, title, size=15, weight="600")
    for heading, panel in panels:
        drawing.text(panel.left, 44, heading, size=12, weight="600")
    y = 54
    for heading, members in groups(figures):
        if not members:
            continue
        drawing.text(0, y + 16, heading, "faint", size=11)
        y += ROW
        for _, panel in panels:
            for tick in panel.ticks():
                drawing.line(panel.x(tick), y, y + ROW * len(members))
        for name, of_peer in members:
            drawing.text(NAMES_WIDTH - 10, y + 15, name, anchor="end", weight="600" if name.startswith("Lethe") else "normal")
            for number, (_, panel) in enumerate(panels):
                value, words, shade = cell(name, of_peer, number)
                end = panel.left if value is None else panel.x(value)
                if value is not None:
                    drawing.bar(panel.left, y + 4, end - panel.left, shade)
                drawing.text(end + 5, y + 15, words, "none" if shade == "none" else "faint", size=11)
            y += ROW
        y += 6
    for _, panel in panels:
        for tick in panel.ticks():
            drawing.text(panel.x(tick), y + 8, short(tick), "faint", size=10, anchor="middle")
    machine = figures["machine"]
    drawing.text(0, y + 32, f"make bench-peers, {figures['date']}: {report.machine_text(machine)}{note}", "faint", size=10)
    return drawing.svg(title)


def panels(headings, least, most):
    width = (WIDTH - NAMES_WIDTH + PANEL_GAP) / len(headings)
    return [(heading, Panel(NAMES_WIDTH + i * width, width - PANEL_GAP, least, most)) for i, heading in enumerate(headings)]


def throughput(figures, colours):
    shown = ("tiny", "order")
    headings = ["a tiny function", "ajv, lodash and crypto-js"]

    def cell(name, of_peer, number):
        rate = of_peer["actions"][shown[number]]["16"]["per_second"]
        return (rate, short(rate), colour(name, of_peer)) if rate else (None, "fails", "none")

    rates = [of_peer["actions"][action]["16"]["per_second"] for of_peer in figures["peers"].values() for action in shown]
    least = 10 ** math.floor(math.log10(min(rate for rate in rates if rate)))
    most = 10 ** math.ceil(math.log10(max(rates)))
    return draw(figures, colours, "Requests per second, 16 in flight (logarithmic)", panels(headings, least, most), cell)


def deadlines(figures, colours):
    functions = list(report.HOSTILE_TITLES)
    headings = ["endless loop", "regular expression", "Array.fill", "awaited loop"]
    never = 1000

    def cell(name, of_peer, number):
        words = report.deadline(of_peer, functions[number])
        late = of_peer["deadlines"][functions[number]].get("late_ms")
        if words == "n/a":
            return None, words, "kept"
        if words == "no answer" or words.startswith("process dies") or words.endswith("hangs"):
            words = re.sub(r"(\d+) of (\d+) times", r"\1/\2", words).removeprefix("process ")
            return never, words.replace(", then hangs", ", hangs"), "none"
        return min(max(late, 1), never), words, colour(name, of_peer)

    title = f"From a {figures['deadline_ms']} ms deadline to the error, ms late (logarithmic)"
    longer = {name: of_peer["deadlines"]["loop"].get("deadline_ms") for name, of_peer in figures["peers"].items()}
    note = "".join(f"; {name}: {each} ms" for name, each in longer.items() if each and each != figures["deadline_ms"])
    return draw(figures, colours, title, panels(headings, 1, never), cell, note)


def main():
    figures = json.loads(pathlib.Path(sys.argv[1]).read_text())
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, chart in (("throughput", throughput), ("deadlines", deadlines)):
        for page, colours in COLOURS.items():
            (folder / f"{name}-{page}.svg").write_text(chart(figures, colours))


if __name__ == "__main__":
    main()
