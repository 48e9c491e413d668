"""Producers and workers in Python, with the packages that their users have: redis-py, requests and OpenTelemetry's own.

What stands between `# begin` and `# end` is in the guide "Python programs", word for word. For the tests:

    python_program.py enqueue REDIS-URL FRAME…         writes frames, with their context under `_traceparent`
    python_program.py enqueue-plainly REDIS-URL FRAME… the same, with it under `traceparent`
    python_program.py enqueue-metadata REDIS-URL FRAME…
                                                       the same, with it in a `trace_context` of JSON text
    python_program.py xadd REDIS-URL FRAME…            writes entries as they are
    python_program.py read REDIS-URL GROUP             reads frames as a consumer group of its own
    python_program.py post URL FRAME…                  enqueues frames over HTTP
    python_program.py work URL COUNT                   leases frames over HTTP, and acknowledges them
    python_program.py picture URL                      dequeues a payload, with its context in the response's header
    python_program.py look URL PATH                    looks at frames without taking them

A FRAME is a JSON object, in which the text `@PATH` is the bytes of a file. Each frame that is read is told on standard
output: a line of JSON with its fields, its span's ids and the baggage that is current then. What TRACEPARENT, TRACESTATE and
BAGGAGE say is current from the beginning.
"""

import json
import os
import sys

from opentelemetry import baggage

# begin
from contextlib import contextmanager

import requests
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind
from redis import Redis

# The program's name and the receiver are in OTEL_SERVICE_NAME and OTEL_EXPORTER_OTLP_ENDPOINT.
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("cameras")


@contextmanager
def continued(carrier):
    """Makes the trace and the baggage in `carrier` the current ones, so that spans and `inject` go on with them."""
    token = attach(extract(carrier))
    try:
        yield
    finally:
        detach(token)


def context_of(frame):
    """What a frame carries, under the names that `extract` knows."""
    names = ("traceparent", "tracestate", "baggage")
    return {name: frame["_" + name] for name in names if "_" + name in frame}
# end


# begin
def post(url, frame):
    with tracer.start_as_current_span("capture", kind=SpanKind.CLIENT) as span:
        span.set_attribute("frame.id", frame["frame_id"])
        headers = {}
        inject(headers)
        return requests.post(f"{url}/enqueue", json=frame, headers=headers, timeout=10)
# end


# begin
def work(url, handle):
    answer = requests.get(f"{url}/dequeue?wait=10s&lease=30s", timeout=30).json()
    if answer["status"] == "empty":
        return
    frame = answer["frame"]
    with continued(context_of(frame)), tracer.start_as_current_span("process", kind=SpanKind.CONSUMER) as span:
        span.set_attribute("frame.id", frame["frame_id"])
        handle(frame)
        headers = {}
        inject(headers)
        requests.post(f"{url}/ack", json={"receipts": [answer["lease"]["receipt"]]}, headers=headers, timeout=10)
# end


# begin
def enqueue(redis, frame):
    with tracer.start_as_current_span("capture", kind=SpanKind.PRODUCER) as span:
        span.set_attribute("frame.id", frame["frame_id"])
        context = {}
        inject(context)
        redis.xadd("frames:queue", frame | {"_" + name: value for name, value in context.items()})
# end


# begin
def read(redis, group, handle):
    for _, entries in redis.xreadgroup(group, "reader-1", {"frames:queue": ">"}, count=10, block=1000):
        for message_id, fields in entries:
            # Not by redis-py's decode_responses, for which a picture would be an error.
            frame = {name.decode(): value if name == b"data" else value.decode() for name, value in fields.items()}
            with continued(context_of(frame)), tracer.start_as_current_span("process", kind=SpanKind.CONSUMER) as span:
                span.set_attribute("frame.id", frame["frame_id"])
                handle(frame)
            redis.xack("frames:queue", group, message_id)
# end


# ---- for the tests only


def enqueue_plainly(redis, frame):
    with tracer.start_as_current_span("capture", kind=SpanKind.PRODUCER) as span:
        span.set_attribute("frame.id", frame["frame_id"])
        inject(frame)
        redis.xadd("frames:queue", frame)


def enqueue_metadata(redis, frame):
    """As frame-tracking has it "through message metadata", which in an entry of Redis can only be text."""
    with tracer.start_as_current_span("capture", kind=SpanKind.PRODUCER) as span:
        span.set_attribute("frame.id", frame["frame_id"])
        headers = {}
        inject(headers)
        ids = dict(zip(("trace_id", "span_id"), ids_of(span)))
        redis.xadd("frames:queue", frame | {"trace_context": json.dumps(ids | headers)})


def xadd(redis, frame):
    redis.xadd("frames:queue", frame)


def picture(url):
    response = requests.get(f"{url}/dequeue?wait=10s", headers={"Accept": "image/*"}, timeout=30)
    with continued(response.headers), tracer.start_as_current_span("process", kind=SpanKind.CONSUMER):
        tell({"data": response.content})


def look(url, path):
    for element in requests.get(url + path, timeout=30).json()["frames"]:
        with continued(context_of(element["frame"])), tracer.start_as_current_span("look"):
            tell(element["frame"])


def ids_of(span):
    context = span.get_span_context()
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def tell(frame):
    span = trace.get_current_span()
    context = span.get_span_context()
    trace_id, span_id = ids_of(span)
    line = {
        "frame": {name: value.hex() if isinstance(value, bytes) else value for name, value in frame.items()},
        "trace_id": trace_id,
        "span_id": span_id,
        "flags": context.trace_flags,
        "tracestate": context.trace_state.to_header(),
        "baggage": dict(baggage.get_all()),
    }
    print(json.dumps(line))


def frame_of(text):
    frame = json.loads(text)
    for name, value in frame.items():
        if isinstance(value, str) and value.startswith("@"):
            with open(value[1:], "rb") as file:
                frame[name] = file.read()
    return frame


def main(command, url, arguments):
    attach(extract({name: os.environ.get(name.upper()) for name in ("traceparent", "tracestate", "baggage")}))
    writers = {
        "enqueue": enqueue,
        "enqueue-plainly": enqueue_plainly,
        "enqueue-metadata": enqueue_metadata,
        "xadd": xadd,
    }
    if command in writers:
        for frame in arguments:
            writers[command](Redis.from_url(url), frame_of(frame))
    elif command == "read":
        redis, group = Redis.from_url(url), arguments[0]
        redis.xgroup_create("frames:queue", group, id="0")
        read(redis, group, tell)
    elif command == "post":
        for frame in arguments:
            post(url, frame_of(frame)).raise_for_status()
    elif command == "work":
        for _ in range(int(arguments[0])):
            work(url, tell)
    elif command == "picture":
        picture(url)
    elif command == "look":
        look(url, arguments[0])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
