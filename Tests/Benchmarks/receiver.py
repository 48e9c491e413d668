"""A receiver of OTLP over HTTP that costs next to nothing while a load runs: it keeps bodies, and looks at them when asked.

It listens on 127.0.0.1 at the port in its argument. GET /calls answers with how many requests came, in how many bytes;
GET /spans with how many spans were in them, which takes a second for a million. Protobuf only, gzip or not. A second argument
names what is wrong with it: see `FAULTS`.
"""
import asyncio
import gzip
import json
import sys

# Beyond it, calls and bytes are counted, and spans no more.
MOST_BYTES_KEPT = 2 << 30


def parts(message, wanted):
    """The values of the field `wanted` of a protobuf message, if they have a length; others are passed over."""
    position, end = 0, len(message)
    while position < end:
        key = message[position]
        position += 1
        kind = key & 7
        if kind == 2:
            length = shift = 0
            while True:
                byte = message[position]
                position += 1
                length |= (byte & 127) << shift
                if byte < 128:
                    break
                shift += 7
            if key >> 3 == wanted:
                yield message[position:position + length]
            position += length
        elif kind == 0:
            while message[position] > 127:
                position += 1
            position += 1
        else:
            position += 8 if kind == 1 else 4


def count_spans(body):
    """Spans in an ExportTraceServiceRequest: resource_spans (1), scope_spans (2), spans (2)."""
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    return sum(
        1 for resource in parts(memoryview(body), 1) for scope in parts(resource, 2) for _ in parts(scope, 2)
    )


def head_of(status, *fields):
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode()


def endlessly(transport):
    """Goes on with an answer until somebody closes it."""
    if not transport.is_closing():
        transport.write(b"400\r\n" + bytes(1024) + b"\r\n")
        asyncio.get_running_loop().call_later(0.01, endlessly, transport)


def begin_endless_answer(transport):
    transport.write(head_of("200 OK", "Content-Type: application/x-protobuf", "Transfer-Encoding: chunked"))
    endlessly(transport)


OK = head_of("200 OK", "Content-Length: 0")
# How a faulty receiver answers spans.
FAULTS = {
    "slow": lambda transport: asyncio.get_running_loop().call_later(8, transport.write, OK),
    "hanging": lambda transport: None,
    "refusing": lambda transport: transport.write(head_of("503 Busy", "Retry-After: 1", "Content-Length: 0")),
    "rejecting": lambda transport: transport.write(head_of("400 Bad Request", "Content-Length: 0")),
    "lying": lambda transport: transport.write(
        head_of("200 OK", "Content-Type: application/x-protobuf", "Content-Length: 4") + b"\xff\xfe\xfd\xfc"
    ),
    "endless": begin_endless_answer,
}


class Receiver(asyncio.Protocol):
    fault = None
    calls = 0
    length_of_all = 0
    bodies: list[bytes] = []
    counted = 0

    def connection_made(self, transport):
        self.transport = transport
        self.pieces = []
        self.length = 0
        self.needed = None

    def data_received(self, data):
        # Pieces are joined once all are there: a body of some 100 KB comes in several.
        self.pieces.append(data)
        self.length += len(data)
        while self.needed is None or self.length >= self.needed:
            received = b"".join(self.pieces)
            self.pieces = [received] if received else []
            head, found, _ = received.partition(b"\r\n\r\n")
            if not found:
                return
            if self.needed is None:
                self.needed = len(head) + 4 + content_length(head)
                continue
            body, rest = received[len(head) + 4:self.needed], received[self.needed:]
            self.pieces, self.length, self.needed = ([rest] if rest else []), len(rest), None
            self.answer(head, body)

    def answer(self, head, body):
        cls = type(self)
        reply = b""
        if head.startswith(b"POST ") and cls.fault:
            return FAULTS[cls.fault](self.transport)
        if head.startswith(b"POST "):
            cls.calls += 1
            cls.length_of_all += len(head) + 4 + len(body)
            if cls.length_of_all < MOST_BYTES_KEPT:
                cls.bodies.append(body)
        elif head.startswith(b"GET /spans"):
            cls.counted += sum(map(count_spans, cls.bodies))
            cls.bodies = []
            reply = json.dumps({"spans": cls.counted}).encode()
        else:
            reply = json.dumps({"calls": cls.calls, "bytes": cls.length_of_all}).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(reply), reply))


def content_length(head):
    """Bytes of the body after a request's head; none where it does not say."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def main():
    if len(sys.argv) > 2 and sys.argv[2] in FAULTS:
        Receiver.fault = sys.argv[2]
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
