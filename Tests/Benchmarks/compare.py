"""The contenders under the same loads, in turn, several times: medians, and ratios to webdis and the guide's example."""
from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from case import Case
from contenders import FRAME_BUFFERS, GUIDE, WEBDIS, Contender
from loads import Load, Sent, redis_benchmark
from processes import BenchmarkError, Usage, busy_seconds
from redis_server import QUEUE, RedisClient
from table import cell, markdown


@dataclass(frozen=True)
class Run:
    """What one load on one contender came to. Processor time is in µs a request, a latency in µs, memory at most in MB."""
    rate: float
    server_cpu: float | None
    redis_cpu: float
    p50: float
    p99: float
    memory: float | None
    failures: int
    # Frames that Redis says went in or out, by the answers that say so, and whether the two differ by no more than what
    # was under way when the load began and ended.
    verified: float | None
    is_verified: bool
    # By frames that went in or out.
    spans: float | None
    dropped_spans: int
    # The part of the machine that others took meanwhile, 0 to 1.
    others: float


def offers(contender: Contender, load: Load) -> bool:
    """Whether the contender has this load. In a mixed one, bare dequeues stand in where it has no leases."""
    if not contender.start:
        return set(load.turns) <= set(contender.commands)
    return {turn for turn in load.turns if turn != "lease" or len(load.turns) == 1} <= set(contender.requests)


def run(contender: Contender, load: Load, connections: int, seconds: int) -> Run:
    """One load on one contender, which is started for it."""
    with Case(contender) as case:
        if load.is_filled and contender.keeps_frames:
            # A second of it is for becoming warm, and one to spare.
            case.fill(load.depth or contender.pace * (seconds + 2))
        with cut(case.redis.port, load.keeps) if load.keeps else nullcontext():
            return measure(case, load, connections, seconds)


def measure(case: Case, load: Load, connections: int, seconds: int) -> Run:
    """One load on a contender that runs, and is stopped after it."""
    contender, client, server = case.contender, case.client, case.server
    first = client.moved()
    send = warm_up(case, load, connections, seconds)

    moved, busy, start = client.moved(), busy_seconds(), time.monotonic()
    before, redis_before, helpers = usage(case), case.redis.usage, helpers_seconds(case)
    sent = send()
    if server:
        # What is still to do for these requests, as sending their spans, is part of their cost.
        case.settle()
    after, redis_after, helpers = usage(case), case.redis.usage, helpers_seconds(case) - helpers
    busy, passed, last = busy_seconds() - busy, time.monotonic() - start, client.moved()

    if load.is_filled and not load.depth and contender.keeps_frames and client.came_out() >= client.went_in():
        raise BenchmarkError(f"{contender.name} was quicker than expected, and handed out all {client.went_in()} frames")
    dropped, spans = 0, None
    if server:
        dropped = case.dropped_spans()
        server.stop()
        if contender.keeps_frames:
            spans = case.received(count_spans=True).spans / max(last - first, 1)
    frames = sent.answers - sent.failures - sent.acknowledgements
    # With those whose answers came after wrk had gone: with many connections they are many.
    handled = max(sent.answers, last - moved + sent.acknowledgements, 1)
    ours = after.cpu - before.cpu + redis_after.cpu - redis_before.cpu + helpers
    return Run(
        rate=sent.answers / sent.seconds,
        server_cpu=(after.cpu - before.cpu) / handled * 1e6 if server else None,
        redis_cpu=(redis_after.cpu - redis_before.cpu) / handled * 1e6,
        p50=sent.p50,
        p99=sent.p99,
        memory=after.peak if server else None,
        failures=sent.failures,
        verified=(last - moved) / max(frames, 1) if contender.keeps_frames else None,
        is_verified=not contender.keeps_frames or abs(last - moved - frames) <= 2 * connections,
        spans=spans,
        dropped_spans=dropped,
        others=max(0.0, busy - ours) / passed / (os.cpu_count() or 1),
    )


def warm_up(case: Case, load: Load, connections: int, seconds: int) -> Callable[[], Sent]:
    """Sends a little of a load; returns what sends all of it."""
    contender = case.contender
    if not contender.start:
        command, port = contender.commands[load.turns[0]], case.redis.port
        trial = redis_benchmark(port, command, connections, 5000)
        # It goes by number, not by time.
        count = int(trial.answers / trial.seconds * seconds)
        return lambda: redis_benchmark(port, command, connections, count)
    turns = tuple(turn if turn in contender.requests else "dequeue" for turn in load.turns)
    case.send(turns, connections, 1)
    case.settle()
    return lambda: case.send(turns, connections, seconds)


def usage(case: Case) -> Usage:
    return case.server.usage if case.server else Usage(0, 0, 0)


def helpers_seconds(case: Case) -> float:
    """Processor time of what sends, receives and measures."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(it.ru_utime + it.ru_stime for it in used) + (case.receiver.usage.cpu if case.receiver else 0)


@contextmanager
def cut(redis_port: int, frames: int) -> Iterator[None]:
    """Cuts the queue to so many frames again and again, for all contenders alike."""
    over = threading.Event()

    def work() -> None:
        client = RedisClient(redis_port)
        while not over.wait(0.1):
            client("XTRIM", QUEUE, "MAXLEN", frames)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


# MARK: All of them

def compare(
    contenders: list[Contender], cases: list[tuple[Load, int]], rounds: int, seconds: int, raw: str | None
) -> bool:
    """Runs each contender under each load, and prints a table.

    False if something could not be measured, or Frame Buffer failed a request or lost a frame. How others fare is their affair.
    """
    runs: dict[tuple[str, int, str], list[Run]] = {}
    failed: list[str] = []
    for number in range(rounds):
        for load, connections in cases:
            for contender in contenders:
                if not offers(contender, load):
                    continue
                title = f"round {number + 1}, {load.name}, {connections} connections, {contender.name}"
                print(title, end=": ", file=sys.stderr, flush=True)
                try:
                    it = run(contender, load, connections, seconds)
                except (BenchmarkError, OSError) as error:
                    print(error, file=sys.stderr)
                    failed.append(f"{title}: {error}")
                    continue
                print(f"{it.rate:,.0f} a second, {cell(it.server_cpu, '.1f')} µs", file=sys.stderr)
                runs.setdefault((load.name, connections, contender.name), []).append(it)
                if raw:
                    with open(raw, "a") as file:
                        print(json.dumps({"load": load.name, "connections": connections, "contender": contender.name}
                                         | it.__dict__), file=file)
    print(table(runs))
    print()
    for load in {load.name: load for load, _ in cases}.values():
        print(f"- `{load.name}`: {load.about}.")
    for contender in contenders:
        print(f"- `{contender.name}`: {contender.about}.")
    print(NOTES)
    print(f"- At most {max((it.others for group in runs.values() for it in group), default=0):.0%} of the machine was "
          "somebody else's during a run.")
    for line in failed:
        print(f"- FAILED: {line}")
    own = [it for (_, _, name), group in runs.items() if name in FRAME_BUFFERS for it in group]
    return not failed and all(it.is_verified and not it.failures for it in own)


NOTES = """\
- Medians of the rounds. CPU is the processor's time by request, until the last span of it is sent; × is the ratio of the
  server's to webdis' and to the guide's, of the same round.
- `in Redis`: frames that went in or out as Redis counts them, by the answers that say so; what was under way at the end makes
  it differ from 1, and (!) marks where more is missing. `bad`: answers of 400 or more, and errors of sockets. `spans`: those
  that reached the receiver, by frame that went in or out; `dropped`: those that /health says were lost."""


def table(runs: dict[tuple[str, int, str], list[Run]]) -> str:
    header = [
        "load", "conn.", "contender", "requests/s", "server CPU µs", "× webdis", "× guide", "Redis CPU µs", "p50 µs",
        "p99 µs", "memory MB", "bad", "in Redis", "spans", "dropped",
    ]
    rows = []
    for (load, connections, contender), group in runs.items():
        def median(name: str) -> float | None:
            values = [value for it in group if (value := getattr(it, name)) is not None]
            return statistics.median(values) if values else None

        def ratio(other: str) -> str:
            pairs = zip(group, runs.get((load, connections, other), []))
            ratios = [a.server_cpu / b.server_cpu for a, b in pairs if a.server_cpu and b.server_cpu]
            return cell(statistics.median(ratios), ".2f") if ratios else "–"

        mark = "" if all(it.is_verified for it in group) else " (!)"
        rows.append([
            load, str(connections), contender, cell(median("rate")), cell(median("server_cpu"), ".1f"),
            ratio(WEBDIS.name), ratio(GUIDE.name), cell(median("redis_cpu"), ".1f"), cell(median("p50")), cell(median("p99")),
            cell(median("memory")), str(sum(it.failures for it in group)),
            cell(median("verified"), ".4f") + mark, cell(median("spans"), ".3f"), str(sum(it.dropped_spans for it in group)),
        ])
    return markdown(header, rows, left=3)
