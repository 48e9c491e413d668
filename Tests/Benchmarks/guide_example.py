"""The integration guide's "Complete Example: Frame Buffer Service" on FastAPI, made to work, in its quickest form.

Told apart from the guide's text: the Redis client is the asynchronous one, since the blocking one stops the whole service;
frame_tracking, which is not published, is OpenTelemetry's SDK doing what the guide says of it; the queue's size is XLEN; and
dequeue reads by a consumer group, as XREAD from "$" can't return a frame that was queued before.

It takes REDIS_URL and the OTEL_* variables, and is run by uvicorn.
"""
import os
import uuid
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from redis.asyncio import Redis
from redis.exceptions import ResponseError

QUEUE, GROUP = "frames:queue", "workers"

# RESP2, whose replies have one shape in all versions of the client. Beyond 100 requests at once, its default, it would fail.
redis_client = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, protocol=2, max_connections=5000)
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("frame_tracking")


@asynccontextmanager
async def lifespan(_):
    try:
        await redis_client.xgroup_create(QUEUE, GROUP, id="0", mkstream=True)
    except ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    yield
    await redis_client.aclose()
    provider.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health():
    return {"status": "healthy"}


@app.post("/enqueue")
async def enqueue_frame(frame_data: dict):
    frame_id = frame_data.get("frame_id")
    if not frame_id:
        frame_id = f"{datetime.now().isoformat()}_{frame_data.get('camera_id', 'unknown')}_{uuid.uuid4().hex[:8]}"
        frame_data["frame_id"] = frame_id

    with tracer.start_as_current_span("enqueue", kind=trace.SpanKind.PRODUCER) as span:
        span.set_attribute("frame.id", frame_id)
        span.add_event("frame_buffer_enqueue")
        span.set_attribute("buffer.size", await redis_client.xlen(QUEUE))
        carrier = {}
        inject(carrier)
        if "traceparent" in carrier:
            frame_data["_traceparent"] = carrier["traceparent"]

    await redis_client.xadd(QUEUE, frame_data)
    return {"status": "enqueued", "frame_id": frame_id}


@app.get("/dequeue")
async def dequeue_frame():
    messages = await redis_client.xreadgroup(GROUP, "service", {QUEUE: ">"}, count=1, block=1000)
    if not messages:
        return {"status": "empty"}
    [[_, [[message_id, data]]]] = messages
    await redis_client.xack(QUEUE, GROUP, message_id)

    parent = extract({"traceparent": data.get("_traceparent", "")})
    with tracer.start_as_current_span("dequeue", context=parent, kind=trace.SpanKind.CONSUMER) as span:
        span.set_attribute("frame.id", data.get("frame_id", ""))
        span.add_event("frame_buffer_dequeue")
        return {"frame": data, "trace_id": format(span.get_span_context().trace_id, "032x")}
