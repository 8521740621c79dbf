#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the programs of libraries.toml, each with another MessagePack library, against a private lethed: see README.md."""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "client" / "examples"
PAGE = ROOT / "client" / "LIBRARIES.md"
PATIENCE = 60  # seconds for a program, most of which compile or start slowly; they take one or two


class Daemon:
    """A lethed in a folder of its own, with script.js in it. Its folder goes with it."""

    def __init__(self, build: pathlib.Path, cache: pathlib.Path) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lethe-interop-"))
        self.socket = str(self.folder / "socket")
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(
            [build / "bin" / "lethed", "--config", os.devnull, "--socket", self.socket, "--state-dir", self.folder / "state",
             "--cache-dir", cache, "--set", "grace_ms=5000"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.monotonic() + PATIENCE
        while "lethed: ready" not in self.said():
            if self.process.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise SystemExit(f"lethed did not start: {self.said()}")
            time.sleep(0.01)
        for name, file in (("interop", HERE / "script.js"), ("hello", EXAMPLES / "hello.js")):
            subprocess.run([build / "bin" / "lethe", "--socket", self.socket, "script", "put", name, file], check=True,
                           stdout=subprocess.DEVNULL)

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()
        shutil.rmtree(self.folder)


class Packages:
    """What is installed, and how to get more: of Debian only if that was asked for, of npm into the build folder."""

    def __init__(self, folder: pathlib.Path, install: bool, providers: dict) -> None:
        self.node, self.install, self.providers = folder / "node", install, providers
        self.npm_failed = None
        self.updated = False

    @staticmethod
    def apt_get(*words: str) -> subprocess.CompletedProcess:
        as_root = [] if os.getuid() == 0 else ["sudo"]
        return subprocess.run([*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "Acquire::Retries=3", *words],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)

    def version(self, package: str) -> str | None:
        if shutil.which("dpkg-query") is None:
            return None
        asked = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package], capture_output=True, text=True)
        status, _, version = asked.stdout.partition(" ")
        return version if status == "installed" else None

    def missing(self, library: dict) -> list[str]:
        packages = [each for each in library.get("packages", []) if self.version(each) is None]
        return packages + [self.providers[each] for each in library["commands"] if shutil.which(each) is None]

    def get(self, library: dict) -> str | None:
        """Why the library can't be had, or None."""
        missing = self.missing(library)
        if missing and self.install:
            if not self.updated:
                self.apt_get("update")
                self.updated = True
            got = self.apt_get("install", "--no-install-recommends", *missing)
            if got.returncode:
                return f"apt-get: {(got.stderr.strip() or got.stdout.strip()).splitlines()[-1]}"
            missing = self.missing(library)
        if missing:
            return f"{' and '.join(missing)} not installed (INSTALL=1 does it)"
        return self.get_npm() if "npm" in library else None

    def get_npm(self) -> str | None:
        source = HERE / "node"
        files = [source / "package.json", source / "package-lock.json", source / ".npmrc"]
        stamp = self.node / "installed"
        if self.npm_failed or (stamp.exists() and stamp.stat().st_mtime >= max(each.stat().st_mtime for each in files)):
            return self.npm_failed
        self.node.mkdir(parents=True, exist_ok=True)
        for each in files:
            shutil.copy(each, self.node)
        got = subprocess.run(["npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error"], cwd=self.node,
                             capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if got.returncode:
            self.npm_failed = f"npm ci: {got.stderr.strip().splitlines()[0]}"
        else:
            stamp.touch()
        return self.npm_failed

    def describe(self, library: dict) -> str:
        """The library with its version, without Debian's part of it."""
        if "npm" in library:
            lock = self.node / "node_modules" / library["npm"] / "package.json"
            version = next(line.split('"')[3] for line in lock.read_text().splitlines() if '"version"' in line)
        else:
            version = self.version(library["packages"][0]).partition(":")[2] or self.version(library["packages"][0])
            version = version.rpartition("-")[0].partition("+dfsg")[0] or version
        return f"{library['library']} {version}"


def wrong_outcomes(expected: dict, library: dict, output: str) -> list[str]:
    """Lines of what is not as it should be: everything that the ideal has, but for what is known to differ."""
    expected = expected | library.get("also", {})
    for difference in library.get("differs", []):
        expected.update(difference["outcomes"])
    seen = dict(line.split("\t", 1) for line in output.split("\n") if "\t" in line)
    if not seen:
        return ["  it said nothing"]
    return [f"  {case}: expected {wanted!r}, seen {seen.get(case, 'absent')!r}" for case, wanted in expected.items()
            if seen.get(case, "absent") != wanted] + \
           [f"  {case}: seen {outcome!r}, and nothing expected" for case, outcome in seen.items() if case not in expected]


class Programs:
    """Builds and runs what libraries.toml describes. {here} in a command is this folder, {build} one to write into."""

    def __init__(self, daemon: Daemon, folder: pathlib.Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "LETHE_SOCKET": daemon.socket, "NODE_PATH": str(folder / "node" / "node_modules")}

    def run(self, described: dict, words: list[str], *arguments: str, patience: int = PATIENCE) -> subprocess.CompletedProcess:
        places = {"{build}": str(self.folder), "{examples}": str(EXAMPLES)}

        def placed(word: str) -> str:
            for name, place in places.items():
                word = word.replace(name, place)
            return word

        more = dict(placed(item).split("=", 1) for item in described.get("environment", []))
        return subprocess.run(["timeout", str(patience), *map(placed, words), *arguments], cwd=HERE, capture_output=True, text=True,
                              errors="backslashreplace", stdin=subprocess.DEVNULL, env=self.environment | more)

    def build(self, described: dict) -> list[str]:
        """What is wrong."""
        for words in described.get("build", []):
            built = self.run(described, words, patience=600)
            if built.returncode:
                return [f"  {' '.join(words)}", *built.stderr.splitlines()]
        return []

    def library(self, library: dict, expected: dict) -> list[str]:
        """What is wrong with what the library's program says."""
        if problems := self.build(library):
            return problems
        result = self.run(library, library["run"], self.environment["LETHE_SOCKET"])
        wrong = wrong_outcomes(expected, library, result.stdout)
        if wrong or result.returncode:
            wrong += [f"  {line}" for line in result.stderr.splitlines()[-10:]]
        return wrong + ([f"  exit status {result.returncode}"] if result.returncode else [])

    def example(self, example: dict) -> list[str]:
        """What is wrong with an example: it calls hello.js's greet once as it should, once so that it throws."""
        if problems := self.build(example):
            return problems
        wrong = []
        for arguments, status, output, errors in ((("Ada", "2"), 0, "Hello Ada! Hello Ada!\n", ""),
                                                  (("Ada", "-1"), 1, "", "script_error: Invalid array length (hello:2)\n")):
            result = self.run(example, example["run"], *arguments)
            if (result.returncode, result.stdout, result.stderr) != (status, output, errors):
                wrong.append(f"  {' '.join(arguments)}: status {result.returncode}, {result.stdout!r}, {result.stderr!r}")
        return wrong


def named(cases: list[str], known: list[str]) -> str:
    """The names of cases, those that all begin with the same one as NAME*."""
    short = []
    for case in cases:
        family = [each for each in known if each == case or each.startswith(f"{case}_")]
        if len(family) > 1 and set(family) <= set(cases):
            short.append(f"{case}*")
        elif not any(case.startswith(each.rstrip("*")) and each.endswith("*") for each in short):
            short.append(case)
    return ", ".join(f"`{each}`" for each in short)


def rows(table: list[dict], known: list[str], packages: Packages) -> str:
    lines = ["| language | library, version tried | needs | what still differs (cases) | test |", "| --- | --- | --- | --- | --- |"]
    for library in table:
        differs = library.get("notes", []) + [f"{each['what']} ({named(list(each['outcomes']), known)})" for each in library.get("differs", [])]
        lines.append(f"| {library['language']} | {packages.describe(library)} | {library['needs']} | {'<br>'.join(differs) or 'nothing'} | "
                     f"`{library['name']}` |")
    return "\n".join(lines)


def write_page(table: list[dict], known: list[str], packages: Packages) -> None:
    text = PAGE.read_text()
    begin, end = (text.index(mark) for mark in ("<!-- make check-interop writes this table -->\n", "<!-- end -->"))
    PAGE.write_text(f"{text[:begin]}<!-- make check-interop writes this table -->\n{rows(table, known, packages)}\n{text[end:]}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="the folder whose bin/ has lethed and lethe")
    options.add_argument("--only", default="", help="names of tests, with commas between: those that contain one")
    options.add_argument("--install", action="store_true", help="install Debian packages that are missing")
    arguments = options.parse_args()
    build = arguments.build.resolve()
    folder = build / "interop"
    folder.mkdir(parents=True, exist_ok=True)
    described = tomllib.loads((HERE / "libraries.toml").read_text())
    packages = Packages(folder, arguments.install, described["providers"])
    passed = failed = skipped = 0
    with Daemon(build, folder / "cache") as daemon:
        programs = Programs(daemon, folder)
        tests = [(each, lambda each=each: programs.library(each, described["expected"])) for each in described["library"]] + \
                [(each, lambda each=each: programs.library(each, each["outcomes"])) for each in described["client"]] + \
                [(each, lambda each=each: programs.example(each)) for each in described["example"]]
        for test, attempt in tests:
            if not any(name in test["name"] for name in arguments.only.split(",")):
                continue
            if reason := packages.get(test):
                skipped += 1
                print(f"SKIPPED {test['name']}: {reason}", flush=True)
                continue
            wrong = attempt()
            print(f"{'FAILED ' if wrong else 'passed '} {test['name']}: {packages.describe(test)}", *wrong, sep="\n", flush=True)
            passed, failed = passed + (not wrong), failed + bool(wrong)
    if not failed and not skipped and not arguments.only:
        write_page(described["library"] + described["client"], list(described["expected"]), packages)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main())
