# SPDX-License-Identifier: Apache-2.0
"""A login service whose customers' actions run in Lethe: each of its processes has one connection, all share one pool.

    uvicorn --app-dir client/examples/fastapi --workers 4 app:app
"""
from __future__ import annotations

import os
import pathlib
from typing import Any, Dict

import lethe.aio
from fastapi import Body, FastAPI, Request
from fastapi.responses import JSONResponse

ACTIONS = ["check-account", "claims", "second-factor"]
FOLDER = pathlib.Path(__file__).parent.parent / "login"

app = FastAPI()
js = lethe.aio.connect()  # nothing happens before it is used, in the event loop of each process
# Put with the first request of whichever process is first; the others find them.
actions = [js.script(f"login/{name}", path=FOLDER / f"{name}.js") for name in ACTIONS]
counter = js.script("login/counter", source="let visits = 0; function visit() { return ++visits; } function spin() { while (true); }")


@app.on_event("startup")
async def put_scripts() -> None:
    for action in [*actions, counter]:
        await action.ensure()


@app.on_event("shutdown")
async def close() -> None:
    await js.close()


@app.post("/login")
async def login(context: Dict[str, Any] = Body()) -> Any:
    return await js.chain([(f"login/{name}", "onLogin") for name in ACTIONS], context, deadline=2)


@app.post("/echo")
async def echo(context: Dict[str, Any] = Body()) -> Any:
    """What a request takes without any script: load.py compares."""
    return context


@app.post("/visit")
async def visit() -> Any:
    """What a script keeps in its variables is gone with its request: always 1."""
    return {"visits": await counter.visit(), "process": os.getpid()}


@app.post("/spin")
async def spin() -> Any:
    """An action that never ends is ended."""
    return await counter.spin(deadline=0.3)


@app.exception_handler(lethe.LetheError)
async def failed(request: Request, error: lethe.LetheError) -> JSONResponse:
    status = {lethe.DeadlineExceeded: 504, lethe.Busy: 503, lethe.ConnectionLost: 503, lethe.ScriptError: 422}.get(type(error), 500)
    after = getattr(error, "retry_after", None)
    return JSONResponse({"code": error.code, "message": error.message}, status, headers={"Retry-After": str(after)} if after else None)
