"""The integration guide's "Performance Considerations", each beside what is measured here."""
from __future__ import annotations

import json
import math
import statistics
import subprocess
import time
from dataclasses import dataclass

from case import Case, Spans
from contenders import DISABLED, REDIS_BENCHMARK, TRACED, executable
from loads import Sent, redis_benchmark
from processes import BenchmarkError
from table import markdown

# Of OpenTelemetry's specification, and Frame Buffer's defaults.
BATCH_SIZE, SCHEDULE_DELAY = 512, 5
# Frames that are sent one by one for their traces' bytes: a number of whole batches of spans.
TRACES = 4 * BATCH_SIZE
KILOBYTE = 1024


def promises(rounds: int, seconds: int) -> bool:
    """Prints what is promised and what is measured. False if something isn't kept."""
    http = over_http(rounds, seconds)
    enqueue, dequeue = (
        http[f"{operation}, traced"].p50 - http[f"{operation}, tracing disabled"].p50 for operation in ("enqueue", "dequeue")
    )
    in_process, context_bytes, steps = within_a_program()
    calls, is_one_call = calls_by_batch(seconds)
    plain, zipped = bytes_by_trace(), bytes_by_trace(OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    rows = [
        ["overhead under 1 ms an operation, over HTTP",
         f"{enqueue:.0f} µs for an enqueue, {dequeue:.0f} µs for a dequeue (medians)", verdict(max(enqueue, dequeue) < 1000)],
        ["the same, in a program that uses the library", in_process[0], verdict(in_process[1])],
        ["about 1 KB an active trace context", f"{context_bytes:,} bytes", verdict(context_bytes <= 1.5 * KILOBYTE)],
        ["one HTTP call a batch of spans", calls, verdict(is_one_call)],
        ["about 2 KB a trace, on the wire", f"{plain:,.0f} bytes; {zipped:,.0f} with gzip",
         verdict(plain <= 2.5 * KILOBYTE)],
    ]
    print(markdown(["the guide's promise", "measured", "kept"], rows, left=3))
    print("\nAll of an operation, one at a time on one connection, in µs:\n")
    print(markdown(["operation", "p50", "p99"], [[name, f"{it.p50:,.0f}", f"{it.p99:,.0f}"] for name, it in http.items()]))
    print("\nA step in a program, in µs (framebuffer bench):\n")
    print(markdown(["step", "p50", "p99"], steps))
    print("""
- Overhead over HTTP is what tracing adds to an operation: the medians with it less those with OTEL_SDK_DISABLED=true.
- A trace is that of a frame enqueued and dequeued once: four spans, with the heads of the requests that bring them.""")
    return all(row[2] == "yes" for row in rows)


def verdict(is_kept: bool) -> str:
    return "yes" if is_kept else "no"


# MARK: Under 1 ms an operation

@dataclass(frozen=True)
class Latencies:
    """Of one operation at a time, in µs: medians of the rounds."""
    p50: float
    p99: float

    @staticmethod
    def of(rounds: list[Sent]) -> Latencies:
        return Latencies(*(statistics.median(getattr(sent, name) for sent in rounds) for name in ("p50", "p99")))


def over_http(rounds: int, seconds: int) -> dict[str, Latencies]:
    """What an operation takes with tracing and without, and Redis alone, by name."""
    sent: dict[str, list[Sent]] = {}
    for _ in range(rounds):
        for contender, tracing in ((TRACED, "traced"), (DISABLED, "tracing disabled")):
            for request, operation in (("json", "enqueue"), ("dequeue", "dequeue")):
                with Case(contender) as case:
                    if request == "dequeue":
                        case.fill(40_000 * (seconds + 1))
                    case.send((request,), 1, 1)
                    sent.setdefault(f"{operation}, {tracing}", []).append(checked(case.send((request,), 1, seconds)))
        with Case(REDIS_BENCHMARK) as case:
            for request, command in (("json", "XADD"), ("dequeue", "XREADGROUP")):
                alone = redis_benchmark(case.redis.port, REDIS_BENCHMARK.commands[request], 1, 10_000)
                sent.setdefault(f"{command}, Redis alone", []).append(alone)
    return {name: Latencies.of(of_rounds) for name, of_rounds in sent.items()}


def checked(sent: Sent) -> Sent:
    if sent.failures or not sent.answers:
        raise BenchmarkError(f"{sent.failures} of {sent.answers} requests failed")
    return sent


def within_a_program() -> tuple[tuple[str, bool], int, list[list[str]]]:
    """What a recorded step takes and whether that is under 1 ms, the bytes of an open context, and a table of all steps."""
    run = subprocess.run([executable(), "bench", "--json"], capture_output=True, text=True, check=True)
    report = json.loads(run.stdout)
    rows = [[f"{step['operation']}, {step['mode']}", f"{step['p50']:.2f}", f"{step['p99']:.2f}"] for step in report["steps"]]
    recorded = [step for step in report["steps"] if step["mode"] == "recorded"]
    p50, p99 = max(step["p50"] for step in recorded), max(step["p99"] for step in recorded)
    return (f"{p50:.1f} µs a step, p99 {p99:.1f} µs", p99 < 1000), report["openContextBytes"], rows


# MARK: One call a batch

def calls_by_batch(seconds: int) -> tuple[str, bool]:
    """How many calls so many spans took, and whether those were as few as batches."""
    with Case(TRACED) as case:
        start = time.monotonic()
        checked(case.send(("json",), 32, seconds))
        case.settle()
        case.server.stop()
        # A batch that isn't full is sent when its time has come, and at the stop.
        partial = math.ceil((time.monotonic() - start) / SCHEDULE_DELAY) + 1
        got = case.received(count_spans=True)
    batches = math.ceil(got.spans / BATCH_SIZE)
    return f"{got.calls:,} calls for {got.spans:,} spans, {got.spans / got.calls:.0f} each", got.calls <= batches + partial


# MARK: Bytes of a trace

def bytes_by_trace(**settings: str) -> float:
    """What the spans of a frame, enqueued and dequeued, take on the wire."""
    with Case(TRACED, **settings) as case:
        for request in ("json", "dequeue"):
            case.repeat(request, TRACES)
        case.settle()
        case.server.stop()
        got: Spans = case.received(count_spans=True)
    if got.spans != 4 * TRACES:
        raise BenchmarkError(f"{TRACES} frames brought {got.spans} spans")
    return got.bytes / TRACES
