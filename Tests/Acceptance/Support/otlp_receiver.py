"""A strict OTLP/HTTP receiver of traces for tests: it keeps every span, judges each by the rules, and fails on command.

It listens on two ports of 127.0.0.1 that the system chose, which it prints to standard error: one for traces
(POST /v1/traces, protobuf or JSON, gzip or not; by TLS with --certificate and --key, and only for clients with a certificate
of --client-ca), and one for questions, which goes on answering whatever the first is told to do:

    GET /spans?KEY=VALUE…    the spans whose name, kind, traceID, … or attribute is VALUE, all of them; with `at-least=N` it
                             waits until there are N of them, for `within=SECONDS` at most, and then gives what there is
    GET /stats               counts, the last requests, and everything that broke a rule
    POST /path               the path that traces are taken at from now on, as plain text
    POST /config             what the trace port does from now on: {} takes spans;
                             {"status": 503, "retryAfter": "1"} answers so; {"hang": true} reads and never answers;
                             {"close": true} reads and closes; {"refuse": true} takes no connections;
                             {"reject": N} takes all but N spans; {"page": true} answers 200 with a web page;
                             {"endless": true} answers 200 and goes on for ever, {"drip": true} does so slowly;
                             {"cut": true} closes in the middle of the answer;
                             `"times": N` does so N times only

The rules are those of the OTLP specification, opentelemetry-proto's comments, and the SDK's and W3C's specifications of what
is in there. It ends with the process that started it.
"""

import argparse
import base64
import gzip
import json
import os
import re
import socket
import socketserver
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"]
STATUSES = ["unset", "ok", "error"]
PROTOBUF, JSON = "application/x-protobuf", "application/json"
# The limit that the specification recommends, after decompression.
MAXIMUM_BODY = 20 << 20
HAS_IS_REMOTE, IS_REMOTE = 0x100, 0x200
STATE_MEMBER = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]")


class Violation(Exception):
    """A request that can't be taken: `status`, and why."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status = status


class Store:
    """What was received. Its condition is notified of every change."""

    def __init__(self):
        self.changed = threading.Condition()
        self.spans = []
        self.index = {}
        self.arrivals = []
        self.requests = []
        self.path = "/v1/traces"
        self.accepted = self.duplicates = 0
        self.violations = {}
        self.fault, self.fault_number = {}, 0

    def violate(self, rule, example):
        with self.changed:
            self.violations.setdefault(rule, str(example)[:200])

    def add(self, spans):
        with self.changed:
            self.accepted += 1
            for span in spans:
                key = (span["traceID"], span["spanID"])
                self.duplicates += key in self.index
                self.index[key] = span
            self.spans += spans
            self.changed.notify_all()

    def find(self, wanted, at_least, within):
        def matching():
            return [span for span in self.spans if all(value_of(span, key) == value for key, value in wanted)]

        with self.changed:
            self.changed.wait_for(lambda: len(matching()) >= at_least, within)
            return matching()

    def stats(self):
        with self.changed:
            return {
                "arrivals": self.arrivals,
                "requests": self.requests[-100:],
                "accepted": self.accepted,
                "spans": len(self.spans),
                "duplicates": self.duplicates,
                "violations": [f"{rule}: {example}" for rule, example in self.violations.items()] + self.unsound(),
            }

    def unsound(self):
        """What is wrong between spans, as far as they are here: of parents in the same process nothing may be missing."""
        faults = []
        for span in self.spans:
            if not span["parentID"] or span["flags"] & IS_REMOTE:
                continue
            parent = self.index.get((span["traceID"], span["parentID"]))
            if parent is None:
                faults.append(f"a local parent is missing in its trace: {span['name']} {span['spanID']}")
            elif parent["start"] > span["start"]:
                faults.append(f"a span starts before its local parent: {span['name']} {span['spanID']}")
        return faults

    def configure(self, fault):
        with self.changed:
            self.fault, self.fault_number = dict(fault), self.fault_number + 1
            self.changed.notify_all()

    def next_fault(self):
        with self.changed:
            fault = dict(self.fault)
            if "times" in self.fault:
                self.fault["times"] -= 1
                if self.fault["times"] <= 0:
                    self.fault = {}
            return fault

    def wait_for_other_fault(self):
        with self.changed:
            number = self.fault_number
            self.changed.wait_for(lambda: self.fault_number != number)


STORE = Store()


def value_of(span, key):
    value = span["attributes"].get(key, span.get(key, span["resource"].get(key)))
    return None if value is None else str(value)


# ---- the rules


def judge_request(request):
    if not request.resource_spans:
        STORE.violate("a request without any spans should not be sent", "")
    for resource_spans in request.resource_spans:
        resource = attributes(resource_spans.resource.attributes, "a resource")
        for key in ("service.name", "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version"):
            if not isinstance(resource.get(key), str) or not resource[key] or resource[key] == "unknown":
                STORE.violate(f"a resource needs {key}", resource)
        for scope_spans in resource_spans.scope_spans:
            if not scope_spans.scope.name:
                STORE.violate("a scope needs a name", scope_spans.scope)
            if not scope_spans.spans:
                STORE.violate("an empty envelope should not be sent", scope_spans.scope)
            attributes(scope_spans.scope.attributes, "a scope")
            for span in scope_spans.spans:
                judge_span(span, resource)
                yield span_json(span, resource)
        if not resource_spans.scope_spans:
            STORE.violate("an empty envelope should not be sent", resource)


def judge_span(span, resource):
    def rule(holds, text, example=""):
        if not holds:
            STORE.violate(text, f"{span.name} {example}")

    rule(len(span.trace_id) == 16 and any(span.trace_id), "a trace id has 16 bytes, not all zero", span.trace_id.hex())
    rule(len(span.span_id) == 8 and any(span.span_id), "a span id has 8 bytes, not all zero", span.span_id.hex())
    parent = span.parent_span_id
    rule(not parent or (len(parent) == 8 and any(parent)), "a parent is absent or 8 bytes, not all zero", parent.hex())
    rule(parent != span.span_id, "a span is not its own parent", parent.hex())
    rule(span.name, "a span has a name", span.span_id.hex())
    rule(span.kind in range(1, len(KINDS)), "a span has a kind", span.kind)
    rule(span.start_time_unix_nano and span.end_time_unix_nano, "a span has a start and an end")
    rule(span.start_time_unix_nano <= span.end_time_unix_nano, "a span does not end before its start")
    rule(abs(span.start_time_unix_nano / 1e9 - time.time()) < 3600, "times are Unix nanoseconds", span.start_time_unix_nano)
    rule(span.end_time_unix_nano / 1e9 < time.time() + 1, "a span has ended", span.end_time_unix_nano)
    rule(span.status.code in range(len(STATUSES)), "a status is unset, ok or error", span.status.code)
    rule(span.status.code == 2 or not span.status.message, "only an error has a message", span.status.message)
    judge_flags(rule, span.flags, "a span's")
    # OpenTelemetry's own exporter for Python leaves the flags of the trace out.
    has_flags = resource.get("telemetry.sdk.language") != "python"
    rule(span.flags & 1 or not has_flags, "an exported span is sampled", hex(span.flags))
    rule(parent or not span.flags & IS_REMOTE, "a root has no remote parent", hex(span.flags))
    judge_state(rule, span.trace_state)
    attributes(span.attributes, "a span")
    for event in span.events:
        rule(event.name, "an event has a name")
        rule(
            span.start_time_unix_nano <= event.time_unix_nano <= span.end_time_unix_nano,
            "an event happens within its span",
            event.name,
        )
        attributes(event.attributes, "an event")
    for link in span.links:
        rule(len(link.trace_id) == 16 and any(link.trace_id), "a link's trace id is valid", link.trace_id.hex())
        rule(len(link.span_id) == 8 and any(link.span_id), "a link's span id is valid", link.span_id.hex())
        judge_flags(rule, link.flags, "a link's")
        judge_state(rule, link.trace_state)
        attributes(link.attributes, "a link")


def judge_flags(rule, flags, whose):
    rule(not flags >> 10, f"{whose} flags: bits 10 to 31 are zero", hex(flags))
    rule(not flags & 0xFC, f"{whose} flags: of the trace's only sampled and random are defined", hex(flags))
    rule(flags & HAS_IS_REMOTE or not flags & IS_REMOTE, f"{whose} flags: remote is known where it is set", hex(flags))


def judge_state(rule, state):
    members = state.split(",") if state else []
    sound = all(STATE_MEMBER.fullmatch(member) for member in members)
    rule(sound and len(members) <= 32, "a trace state is as W3C has it", state)


def from_json(body):
    """OTLP's JSON is that of protobuf but for its identifiers, which are hexadecimal, and enumerations, which are numbers."""

    def converted(value, key=""):
        if isinstance(value, dict):
            return {key: converted(member, key) for key, member in value.items()}
        if isinstance(value, list):
            return [converted(element) for element in value]
        if key in ("traceId", "spanId", "parentSpanId"):
            return base64.b64encode(bytes.fromhex(value)).decode()
        if key in ("kind", "code") and type(value) is not int:
            raise ValueError(f"{key} is a number")
        if key in ("startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "intValue") and not isinstance(value, str):
            raise ValueError(f"{key} is a text, as it has 64 bits")
        if "_" in key:
            raise ValueError(f"{key} is in lowerCamelCase")
        return value

    # Values are held to JSON's own rules, and names to those of the schema.
    def distinct(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("keys of an object are distinct")
        return dict(pairs)

    message = json.loads(body, object_pairs_hook=distinct, parse_constant=lambda name: float("no number: " + name))
    return json_format.ParseDict(converted(message), ExportTraceServiceRequest())


def attributes(pairs, whose):
    for pair in pairs:
        if not pair.key:
            STORE.violate(f"an attribute of {whose} has a key", pair)
        if pair.value.WhichOneof("value") is None:
            STORE.violate(f"an attribute of {whose} has a value", pair.key)
        kinds = {element.WhichOneof("value") for element in pair.value.array_value.values}
        if len(kinds) > 1:
            STORE.violate(f"an array of {whose} is of one kind", pair.key)
    values = {pair.key: value_json(pair.value) for pair in pairs}
    if len(values) != len(pairs):
        STORE.violate(f"the attributes of {whose} are distinct", [pair.key for pair in pairs])
    return values


def judge_fields(message):
    """Whatever the schema does not know is a mistake of an encoder that was written by hand."""
    if len(UnknownFieldSet(message)):
        STORE.violate("a message has only fields of its schema", message.DESCRIPTOR.full_name)
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for part in [value] if hasattr(value, "ListFields") else value:
                judge_fields(part)


# ---- spans as JSON


def value_json(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_json(element) for element in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: value_json(pair.value) for pair in value.kvlist_value.values}
    if kind == "bytes_value":
        return value.bytes_value.hex()
    return getattr(value, kind) if kind else None


def plain(pairs):
    return {pair.key: value_json(pair.value) for pair in pairs}


def name_of(names, number):
    return names[number] if number < len(names) else str(number)


def span_json(span, resource):
    return {
        "traceID": span.trace_id.hex(),
        "spanID": span.span_id.hex(),
        "parentID": span.parent_span_id.hex(),
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": name_of(KINDS, span.kind),
        "start": span.start_time_unix_nano,
        "end": span.end_time_unix_nano,
        "attributes": plain(span.attributes),
        "events": [{"name": event.name, "attributes": plain(event.attributes)} for event in span.events],
        "links": [{"traceID": link.trace_id.hex(), "spanID": link.span_id.hex()} for link in span.links],
        "status": name_of(STATUSES, span.status.code),
        "statusMessage": span.status.message,
        "resource": resource,
    }


# ---- HTTP


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body of an answer go out in writes of their own, which would wait for each other's acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", content_type=PROTOBUF, headers=()):
        self.send_response(status)
        for name, value in [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer_json(self, value):
        self.answer(200, json.dumps(value).encode(), "application/json")

    def fail(self, status, reason, headers=()):
        # A google.rpc.Status, whose only field is its message, 2.
        text = reason.encode()[:100]
        self.answer(status, bytes([0x12, len(text)]) + text, headers=headers)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body


class Questions(Handler):
    def do_GET(self):
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path == "/spans":
            at_least, within = int(query.pop("at-least", 0)), float(query.pop("within", 0))
            self.answer_json(STORE.find(list(query.items()), at_least, within))
        elif parts.path == "/stats":
            self.answer_json(STORE.stats())
        else:
            self.fail(404, "GET /spans, GET /stats, POST /config")

    def do_POST(self):
        if self.path == "/path":
            with STORE.changed:
                STORE.path = self.body().decode()
            return self.answer_json({})
        fault = json.loads(self.body())
        STORE.configure(fault)
        self.server.traces.open() if "refuse" not in fault else self.server.traces.close()
        return self.answer_json({})


class Traces(Handler):
    def setup(self):
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self):
        self.server.connections.discard(self.connection)
        super().finish()

    def do_GET(self):
        STORE.violate("traces are posted", self.path)
        self.fail(405, "POST /v1/traces")

    def do_POST(self):
        body = self.body()
        try:
            request = self.decode(body)
        except Violation as violation:
            STORE.violate("a request is as OTLP/HTTP has it", violation)
            return self.fail(violation.status, str(violation))
        fault = STORE.next_fault()
        with STORE.changed:
            STORE.arrivals.append(time.monotonic())
            headers = {name.lower(): value for name, value in self.headers.items()}
            STORE.requests.append({"path": self.path, "length": len(body), "headers": headers})
        if "hang" in fault:
            STORE.wait_for_other_fault()
        if "hang" in fault or "close" in fault:
            self.close_connection = True
            return None
        if "status" in fault:
            headers = [("Retry-After", fault["retryAfter"])] if "retryAfter" in fault else []
            return self.fail(fault["status"], "told to", headers)
        if "page" in fault:
            return self.answer(200, b"<html>Please log in</html>", "text/html")
        if fault.keys() & {"endless", "drip", "cut"}:
            return self.lie(fault)
        judge_fields(request)
        spans = list(judge_request(request))
        response = ExportTraceServiceResponse()
        if "reject" in fault:
            response.partial_success.rejected_spans = fault["reject"]
            response.partial_success.error_message = "told to"
            spans = spans[fault["reject"]:]
        STORE.add(spans)
        if self.headers.get("Content-Type") == JSON:
            return self.answer(200, json_format.MessageToJson(response).encode(), JSON)
        return self.answer(200, response.SerializeToString())

    def lie(self, fault):
        """Begins an answer of success that never comes to its end."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", PROTOBUF)
        if "endless" in fault:
            # An end that nobody knows beforehand: that of the connection.
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", "1000")
        self.end_headers()
        number = STORE.fault_number
        self.wfile.write(bytes(1))
        while "cut" not in fault and STORE.fault_number == number:
            self.wfile.write(bytes(1 if "drip" in fault else 1 << 16))
            if "drip" in fault:
                time.sleep(0.1)

    def decode(self, body):
        if self.path != STORE.path:
            raise Violation(404, f"POST {self.path}")
        if not self.headers.get("User-Agent", "").startswith("OTel-OTLP-Exporter-"):
            STORE.violate("an exporter says who it is", self.headers.get("User-Agent"))
        content_type = self.headers.get("Content-Type")
        if content_type not in (PROTOBUF, JSON):
            raise Violation(400, f"Content-Type: {content_type}")
        coding = self.headers.get("Content-Encoding", "identity").lower()
        if coding == "gzip":
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError) as error:
                raise Violation(400, f"not gzip: {error}") from error
        elif coding != "identity":
            raise Violation(400, f"Content-Encoding: {coding}")
        if len(body) > MAXIMUM_BODY:
            raise Violation(413, f"{len(body)} bytes")
        if content_type == JSON:
            try:
                return from_json(body)
            except (ValueError, json_format.ParseError) as error:
                raise Violation(400, f"not OTLP's JSON: {error}") from error
        request = ExportTraceServiceRequest()
        try:
            request.ParseFromString(body)
        except DecodeError as error:
            raise Violation(400, f"not protobuf: {error}") from error
        return request


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def server_bind(self):
        # Without looking for the machine's name, as the class above it does.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request, client_address):
        # Whoever gives up waiting breaks the connection.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ValueError, ssl.SSLError)):
            super().handle_error(request, client_address)


class TraceServer(Server):
    """A server that can close its port and open it again. Meanwhile the port stays its own: nobody else can take it."""

    def __init__(self, tls=None):
        # On Linux a socket that was shut down out of listening can listen again, but keeps its port only where that was bound
        # by its number: so a first socket is given one, which the second takes before the first lets go of it.
        with socket.socket() as first:
            first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            first.bind(("127.0.0.1", 0))
            super().__init__(first.getsockname(), Traces, bind_and_activate=False)
            self.server_bind()
        self.connections = set()
        self.is_open = False
        self.tls = tls

    def finish_request(self, request, client_address):
        # In the connection's own thread, as a handshake may take its time or never end.
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def open(self):
        if self.is_open:
            return
        self.is_open = True
        self.socket.listen(self.request_queue_size)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        if not self.is_open:
            return
        self.is_open = False
        self.shutdown()
        self.socket.shutdown(socket.SHUT_RDWR)
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def tls_context(options):
    if not options.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    if options.client_ca:
        context.load_verify_locations(options.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def main():
    parser = argparse.ArgumentParser(description="a strict receiver of traces")
    for option in ("--certificate", "--key", "--client-ca"):
        parser.add_argument(option)
    parent = os.getppid()
    questions = Server(("127.0.0.1", 0), Questions)
    questions.traces = TraceServer(tls_context(parser.parse_args()))
    questions.traces.open()
    threading.Thread(target=questions.serve_forever, daemon=True).start()
    ports = (questions.traces.server_address[1], questions.server_address[1])
    print("listening for traces on 127.0.0.1:%d and for questions on 127.0.0.1:%d" % ports, file=sys.stderr, flush=True)
    while os.getppid() == parent:
        time.sleep(1)


if __name__ == "__main__":
    main()
