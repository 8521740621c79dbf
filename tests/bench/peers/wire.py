# SPDX-License-Identifier: Apache-2.0
"""Requests as bytes, and replies from them, in each protocol: {"result": …} or {"error": text}."""
import json
import struct


def pack(value):
    """MessagePack, of what a request has."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, str):
        data = value.encode()
        return b"\xdb" + struct.pack(">I", len(data)) + data
    if isinstance(value, dict):
        return b"\xdf" + struct.pack(">I", len(value)) + b"".join(pack(part) for item in value.items() for part in item)
    return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))


class Unpacker:
    """MessagePack, of what a reply of Lethe has."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0]

    def text(self, size):
        self.at += size
        return self.data[self.at - size : self.at].decode(errors="replace")

    def array(self, size):
        return [self.value() for _ in range(size)]

    def map(self, size):
        return {self.value(): self.value() for _ in range(size)}

    def value(self):
        kind = self.take("B")
        if kind <= 0x7F:
            return kind
        if kind <= 0x8F:
            return self.map(kind & 15)
        if kind <= 0x9F:
            return self.array(kind & 15)
        if kind <= 0xBF:
            return self.text(kind & 31)
        if kind in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[kind]
        if kind >= 0xE0:
            return kind - 256
        sized = {0xC4: ("B", self.text), 0xC5: ("H", self.text), 0xC6: ("I", self.text), 0xD9: ("B", self.text),
                 0xDA: ("H", self.text), 0xDB: ("I", self.text), 0xDC: ("H", self.array), 0xDD: ("I", self.array),
                 0xDE: ("H", self.map), 0xDF: ("I", self.map)}
        if kind in sized:
            form, read = sized[kind]
            return read(self.take(form))
        return self.take({0xCA: "f", 0xCB: "d", 0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q",
                          0xD0: "b", 0xD1: "h", 0xD2: "i", 0xD3: "q"}[kind])


class MessagePack:
    name = "messagepack"

    def request(self, call):
        options = {"deadline_ms": call["deadline_ms"]}
        return b"\x94\x00\x01" + pack("call") + pack([call["script"], call["function"], call["args"], options])

    def reply(self, data):
        _, _, error, result = Unpacker(data).value()
        return {"error": f"{error['code']}: {error['message']}"} if error else {"result": result}


class Lines:
    name = "lines"

    def request(self, call):
        return json.dumps(call).encode() + b"\n"

    def reply(self, data):
        return json.loads(data)


class Http:
    name = "http"

    def request(self, call):
        body = json.dumps(call).encode()
        head = f"POST / HTTP/1.1\r\nHost: peer\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def reply(self, data):
        return json.loads(data)


class FastCgi:
    name = "fastcgi"
    begin_request, parameters, standard_input = 1, 4, 5
    responder = 1

    def __init__(self, program):
        self.program = program

    def record(self, kind, content):
        return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content

    def request(self, call):
        body = json.dumps(call["args"]).encode()
        pairs = {"SCRIPT_FILENAME": self.program, "QUERY_STRING": call["function"], "REQUEST_METHOD": "POST",
                 "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
        content = b"".join(struct.pack(">II", len(name) | 1 << 31, len(value) | 1 << 31) + (name + value).encode()
                           for name, value in pairs.items())
        return (self.record(self.begin_request, struct.pack(">HBxxxxx", self.responder, 0))
                + self.record(self.parameters, content) + self.record(self.parameters, b"")
                + self.record(self.standard_input, body) + self.record(self.standard_input, b""))

    def reply(self, data):
        head, _, body = data.partition(b"\r\n\r\n")
        try:
            return json.loads(body)
        except ValueError:
            text = (body or head).decode(errors="replace").strip()
            return {"error": " ".join(text.split()) or "an empty page"}
