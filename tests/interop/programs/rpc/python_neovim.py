# SPDX-License-Identifier: Apache-2.0
"""usage: python_neovim.py SOCKET. Python's client of Neovim."""
import json
import sys

import pynvim
from pynvim.msgpack_rpc import ErrorResponse

nvim = pynvim.attach("socket", path=sys.argv[1])
session = nvim._session
console = []


def call(function, arguments=(), options=None):
    return session.request("call", "interop", function, arguments, options)


def say(case, attempt):
    try:
        outcome = attempt()
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    print(case, outcome, sep="\t", flush=True)


def asked(method, params):
    _, name, arguments = params
    if name != "add":
        raise ErrorResponse("not allowed")
    return sum(arguments)


def notified(method, params):
    console.append(f"{method} {params[1]} {params[2]}")


def requests():
    say("result", lambda: json.dumps(call("give", ["map"])))
    say("error", lambda: call("fail"))
    say("no_such_script", lambda: session.request("call", "none", "give", []))
    say("console", lambda: f"{call('log', [], {'console': True})}, {console[0]}")
    say("host_call", lambda: call("ask"))
    say("host_error", lambda: call("ask_in_vain"))
    say("date", lambda: call("give", ["date"]))
    session.stop()


session.run(asked, notified, requests)
