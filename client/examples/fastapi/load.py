#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Load for app.py: `load.py PORT [SECONDS]`. In turns, by 20 clients at once: requests that FastAPI answers itself, logins, and
logins beside a client that sends one endless loop after the other."""
from __future__ import annotations

import asyncio
import json
import pathlib
import statistics
import sys
import time
from typing import Any, Dict, List, Tuple

CLIENTS, ROUNDS = 20, 5
CONTEXTS = pathlib.Path(__file__).parent.parent / "login" / "contexts"
CONTEXT = (CONTEXTS / "small.json").read_bytes()


class Client:
    """One HTTP connection."""

    async def open(self, port: int) -> Client:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def post(self, path: str, body: bytes = b"{}") -> Tuple[int, bytes]:
        self._writer.write(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                           % (path.encode(), len(body), body))
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        return int(head.split()[1]), await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


async def posts(port: int, path: str, body: bytes, expected: Any, seconds: float) -> List[float]:
    """How long each took, in ms."""
    end = time.monotonic() + seconds
    times: List[float] = []

    async def work() -> None:
        client = await Client().open(port)
        while time.monotonic() < end:
            begin = time.perf_counter()
            status, reply = await client.post(path, body)
            times.append((time.perf_counter() - begin) * 1000)
            assert status == 200 and json.loads(reply) == expected, (status, reply)
        client.close()

    await asyncio.gather(*[work() for _ in range(CLIENTS)])
    return times


async def logins(port: int, seconds: float) -> List[float]:
    """Each must decide as the example's expected.json says."""
    return await posts(port, "/login", CONTEXT, json.loads((CONTEXTS / "small.expected.json").read_bytes()), seconds)


async def endless_loops(port: int) -> None:
    client = await Client().open(port)
    try:
        while True:
            status, _ = await client.post("/spin")
            assert status == 504, status
    finally:
        client.close()


async def until_it_listens(port: int) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            (await Client().open(port)).close()
            return
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(0.1)


async def main(port: int, seconds: float) -> None:
    await until_it_listens(port)
    await logins(port, 0.5)  # the first of each process
    times: Dict[str, List[float]] = {"FastAPI alone": [], "logins": [], "beside endless loops": []}
    for _ in range(ROUNDS):
        times["FastAPI alone"] += await posts(port, "/echo", CONTEXT, json.loads(CONTEXT), seconds / ROUNDS)
        times["logins"] += await logins(port, seconds / ROUNDS)
        loops = asyncio.ensure_future(endless_loops(port))
        times["beside endless loops"] += await logins(port, seconds / ROUNDS)
        loops.cancel()
        await asyncio.gather(loops, return_exceptions=True)
    for what, taken in times.items():
        percentiles = statistics.quantiles(taken, n=100)
        print(f"{what}: {len(taken) / seconds:,.0f}/s, p50 {percentiles[49]:.1f} ms, p99 {percentiles[98]:.1f} ms")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 5.0))
