#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench-python: the Python client beside the C library, in turns, with a lethed of its own.

One request in flight: medians of lethe.Connection and of liblethe, called in the same process. 64 in flight: requests per second of
lethe.aio.Connection, and the CPU time that it takes, which other work on the machine hardly changes.
"""
from __future__ import annotations

import asyncio
import ctypes
import statistics
import sys
import time
from typing import Callable, List

import harness

import lethe
import lethe.aio

ROUNDS, IN_A_ROUND = 300, 20
AIO_REQUESTS, IN_FLIGHT = 40_000, 64


class Value(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("size", ctypes.c_size_t)]


def c_client(socket: str) -> Callable[[], None]:
    """lethe_call() of the C library, and what ctypes adds to it: some 2 µs."""
    library = ctypes.CDLL(str(harness.BUILD / "lib" / "liblethe.so.0"))
    library.lethe_connect.restype = library.lethe_call.restype = ctypes.c_void_p
    library.lethe_connect.argtypes = [ctypes.c_char_p, ctypes.c_int64, ctypes.c_void_p]
    library.lethe_call.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, Value, ctypes.c_void_p]
    library.lethe_reply_ok.argtypes = library.lethe_reply_free.argtypes = [ctypes.c_void_p]
    client = library.lethe_connect(socket.encode(), 1000, None)
    arguments = Value(b"\x91\x01", 2)

    def call() -> None:
        reply = library.lethe_call(client, b"bench/tiny", b"f", arguments, None)
        assert library.lethe_reply_ok(reply)
        library.lethe_reply_free(reply)

    return call


def timed(call: Callable[[], None], into: List[float]) -> None:
    for _ in range(IN_A_ROUND):
        begin = time.perf_counter()
        call()
        into.append((time.perf_counter() - begin) * 1e6)


async def asyncio_rate(socket: str) -> float:
    async with lethe.aio.connect(socket) as js:
        async def work() -> None:
            for _ in range(AIO_REQUESTS // IN_FLIGHT):
                await js.call("bench/tiny", "f", 1)

        begin = time.perf_counter()
        await asyncio.gather(*[work() for _ in range(IN_FLIGHT)])
        return AIO_REQUESTS / (time.perf_counter() - begin)


def main() -> None:
    daemon = harness.Daemon()
    try:
        js = lethe.connect(daemon.socket)
        js.put("bench/tiny", "function f(x) { return x + 1; }", warm_up=[["f", [1]]])
        c = c_client(daemon.socket)
        by_c: List[float] = []
        by_python: List[float] = []
        for _ in range(ROUNDS):
            timed(c, by_c)
            timed(lambda: js.call("bench/tiny", "f", 1), by_python)
        median_c, median_python = statistics.median(by_c), statistics.median(by_python)
        print(f"one in flight, median: C {median_c:.0f} µs, Python {median_python:.0f} µs (C + {median_python - median_c:.0f})")
        cpu = time.process_time()
        rates = [asyncio.run(asyncio_rate(daemon.socket)) for _ in range(3)]
        cpu = (time.process_time() - cpu) / (len(rates) * AIO_REQUESTS) * 1e6
        print(f"asyncio, {IN_FLIGHT} in flight: {statistics.median(rates):,.0f} requests/s "
              f"({', '.join(f'{rate:,.0f}' for rate in rates)}), CPU time in the client {cpu:.0f} µs each")
        js.close()
    finally:
        daemon.end()


if __name__ == "__main__":
    sys.exit(main())
