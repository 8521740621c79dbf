# SPDX-License-Identifier: Apache-2.0
"""usage: python.py LIBRARY SOCKET. Python's msgpack and u-msgpack."""
import datetime
import socket
import sys

library, path = sys.argv[1:]
if library == "msgpack":
    import msgpack

    def pack(value):
        return msgpack.packb(value, datetime=True)

    def messages(connection):
        unpacker = msgpack.Unpacker(timestamp=3, strict_map_key=False, use_list=False)
        while data := connection.recv(65536):
            unpacker.feed(data)
            yield from unpacker
else:
    import collections
    import collections.abc

    collections.Hashable = collections.abc.Hashable  # which it asks for when it reads a map
    import umsgpack
    from umsgpack import packb as pack

    def messages(connection):
        stream = connection.makefile("rb")
        while True:
            yield umsgpack.unpack(stream)


def request(method, params, host=None):
    """A result, or the error as a LookupError; and the console lines that came before. One connection for each."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(5)
    connection.connect(path)
    with connection:
        connection.sendall(pack([0, 1, method, params]))
        console = []
        for message in messages(connection):
            if message[0] == 0:
                answer = host(*message[3][1:])
                connection.sendall(pack([1, message[1], *answer]))
            elif message[0] == 2:
                console.append(message[2][1:])
            elif message[2] is not None:
                raise LookupError(message[2])
            else:
                return message[3], console
    raise ConnectionError("connection closed")


def call(function, *arguments, options=None, host=None):
    return request("call", ["interop", function, arguments, options], host)


def say(case, attempt):
    try:
        outcome = attempt()
    except LookupError as error:
        outcome = " ".join(str(error.args[0][key]) for key in ("code", "name", "message") if key in error.args[0])
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    print(case, outcome, sep="\t")


def nested(depth):
    value = ()
    for _ in range(depth - 1):
        value = (value,)
    return value


def same(value, other):
    """With the types, as 1 == 1.0 == True."""
    if isinstance(value, (tuple, list)) and isinstance(other, (tuple, list)):
        return len(value) == len(other) and all(map(same, value, other))
    return type(value) is type(other) and repr(value) == repr(other)


def at(*parts):
    return datetime.datetime(*parts, tzinfo=datetime.timezone.utc)


values = {
    "nil": None, "booleans": (True, False), "integers": (0, 7, -7, 300, -70000, 2**40), "largest_safe": 2**53 - 1, "beyond_safe": 2**53 + 1,
    "largest_uint64": 2**64 - 1, "smallest_int64": -(2**63), "float": 1.5, "whole_float": 1e18, "minus_zero": -0.0,
    "infinity": float("inf"), "nan": float("nan"), "text": "grüße 😀", "long_text": "\ufeff" + "long " * 60, "digits": "42",
    "bytes": b"\x00\xff\x80", "date": at(2024, 1, 31, 10, 20, 30, 250000), "date_before_1970": at(1969, 7, 20, 20, 17, 40, 500000),
    "date_in_3000": at(3000, 1, 1), "array": (1, ("a", None)), "empty_array": (), "map": {"name": "Ada", "tags": {"admin": True}},
    "empty_map": {}, "map_by_numbers": {1: "one", -2: "minus two"}, "map_by_arrays": {(1, 2): "a pair"},
    "map_with_nil": {None: "Session", "name": "Ada"}, "map_with_proto": {"__proto__": {"admin": True}, "name": "Ada"}, "deep": nested(250),
}
for name, value in values.items():
    say(f"to.{name}", lambda: call("take", value)[0])

    def back():
        given, _ = call("give", name)
        return "same" if same(given, value) else repr(given)

    say(f"from.{name}", back)
say("error", lambda: call("fail"))
say("deadline", lambda: call("spin", options={"deadline_ms": 100}))
say("true_option", lambda: " ".join(call("log", options={"console": True})[1][0]))
say("no_options", lambda: call("log", options={})[0])
say("host_call", lambda: call("ask", host=lambda name, arguments: (None, sum(arguments)))[0])
say("host_error", lambda: call("ask_in_vain", host=lambda name, arguments: ("not allowed", None))[0])
