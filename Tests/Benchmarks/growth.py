"""How cost grows: with the queue, connections, waiting workers, leases and the size of frames; and what idling costs."""
from __future__ import annotations

import json
import selectors
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from pathlib import Path

from case import Case
from compare import Run, run
from contenders import TRACED
from loads import LOADS, Load, http
from processes import BenchmarkError
from table import markdown

KILOBYTE, MEGABYTE = 1000, 1_000_000
DEPTHS = (10, 100, 1_000, 10_000, 100_000)
SIZES = (KILOBYTE, 10 * KILOBYTE, 100 * KILOBYTE, MEGABYTE, 10 * MEGABYTE)
POLLS, LEASES, LEASE_TRIALS = 10_000, 100_000, 7


@dataclass(frozen=True)
class Finding:
    """What has to hold, what was measured, and whether it holds."""
    name: str
    target: str
    measured: str
    is_met: bool


def growth(rounds: int, seconds: int) -> bool:
    """Prints what has to hold and what was measured. False if something does not hold."""
    findings = []
    for measure in (
        lambda: depths(rounds, seconds), lambda: connections(rounds, seconds), polls, leases,
        lambda: sizes(rounds, seconds), idling, starting,
    ):
        found = measure()
        for finding in found:
            print(f"{finding.name}: {finding.measured}", file=sys.stderr)
        findings += found
    rows = [[it.name, it.target, it.measured, "yes" if it.is_met else "no"] for it in findings]
    print(markdown(["what grows", "target", "measured", "met"], rows, left=4))
    return all(it.is_met for it in findings)


def medians(
    rounds: int, runs: dict[int, Callable[[], Run]], cost: Callable[[Run], float]
) -> tuple[dict[int, float], dict[int, float]]:
    """Costs by key, and their ratios to the first key's of the same round: medians of rounds in which all take turns."""
    costs: dict[int, list[float]] = {key: [] for key in runs}
    for _ in range(rounds):
        for key, it in runs.items():
            costs[key].append(cost(it()))
    first = costs[next(iter(costs))]
    ratios = {key: statistics.median(a / b for a, b in zip(values, first)) for key, values in costs.items()}
    return {key: statistics.median(values) for key, values in costs.items()}, ratios


def listed(values: dict[int, float], form: str = ".1f") -> str:
    return ", ".join(f"{key:,}: {value:{form}}" for key, value in values.items())


# MARK: Requests

def depths(rounds: int, seconds: int) -> list[Finding]:
    def load(depth: int) -> Load:
        return Load("depth", ("json", "dequeue"), "", is_filled=True, depth=depth)

    # Redis' time is in it: it is what would search.
    costs, ratios = medians(
        rounds, {depth: lambda depth=depth: run(TRACED, load(depth), 32, seconds) for depth in DEPTHS},
        lambda it: it.server_cpu + it.redis_cpu,
    )
    worst = max(ratios.values()) - 1
    return [Finding("frames in the queue, 10 to 100,000", "within 10 %",
                    f"{worst:+.0%} at most; CPU µs a request with Redis' at {listed(costs)}", worst <= 0.1)]


def connections(rounds: int, seconds: int) -> list[Finding]:
    costs, ratios = medians(
        rounds, {number: lambda number=number: run(TRACED, LOADS["json"], number, seconds) for number in (32, 1000)},
        lambda it: it.server_cpu,
    )
    return [Finding("connections, 32 to 1,000", "within 20 %",
                    f"{ratios[1000] - 1:+.0%}; CPU µs a request at {listed(costs)}", ratios[1000] <= 1.2)]


# MARK: Waiting workers

def polls() -> list[Finding]:
    request = http("GET", "/dequeue?wait=60s")
    with Case(TRACED) as case, selectors.DefaultSelector() as selector:
        workers = [socket.create_connection(("127.0.0.1", case.port)) for _ in range(POLLS)]
        producer = socket.create_connection(("127.0.0.1", case.port))
        try:
            for worker in workers:
                selector.register(worker, selectors.EVENT_READ)
                worker.sendall(request)
            # Until it has read them all.
            cpu = -1.0
            while cpu != (cpu := case.server.usage.cpu):
                time.sleep(0.5)
            memory = case.server.usage.memory
            times = []
            for _ in range(200):
                start = time.monotonic()
                producer.sendall(TRACED.requests["json"])
                [(ready, _)] = wait_for_one(selector)
                times.append((time.monotonic() - start) * 1000)
                answer = read_answer(ready.fileobj)
                if b'"dequeued"' not in answer:
                    raise BenchmarkError(f"a waiting worker got {answer!r}")
                read_answer(producer)
                ready.fileobj.sendall(request)
        finally:
            for connection in (*workers, producer):
                connection.close()
    median = statistics.median(times)
    return [
        Finding("workers that wait, 10,000: memory", "under 200 MB", f"{memory:.0f} MB", memory < 200),
        Finding("… until one of them has a frame that is sent", "within 2 ms (median)",
                f"{median:.2f} ms, p99 {sorted(times)[197]:.2f} ms", median <= 2),
    ]


def wait_for_one(selector: selectors.BaseSelector) -> list:
    ready = selector.select(30)
    if len(ready) != 1:
        raise BenchmarkError(f"a frame reached {len(ready)} waiting workers")
    return ready


def read_answer(connection: socket.socket) -> bytes:
    answer = HTTPResponse(connection)
    answer.begin()
    return answer.read()


# MARK: Leases

def leases() -> list[Finding]:
    with Case(TRACED) as case, socket.create_connection(("127.0.0.1", case.port)) as worker:
        def dequeue(query: str) -> dict:
            worker.sendall(http("GET", f"/dequeue?{query}"))
            return json.loads(read_answer(worker))

        case.fill(LEASES)
        leased = 0
        while leased < LEASES:
            leased += len(dequeue(f"lease=1h&count={min(100, LEASES - leased)}")["frames"])
        # Redis notes how long each of its commands takes from here on.
        case.client("CONFIG", "SET", "slowlog-max-len", 100_000)
        case.client("CONFIG", "SET", "slowlog-log-slower-than", 0)
        late, longest = [], []
        for _ in range(LEASE_TRIALS):
            case.fill(1)
            overdue = dequeue("lease=1s")
            due = time.monotonic() + overdue["lease"]["expires_in_ms"] / 1000
            case.client("SLOWLOG", "RESET")
            came = dequeue("wait=10s")
            if came.get("message_id") != overdue["message_id"]:
                raise BenchmarkError(f"instead of the overdue frame came {came!r}")
            late.append((time.monotonic() - due) * 1000)
            longest.append(max((entry[2] / 1000, entry[3][0].decode()) for entry in case.client("SLOWLOG", "GET", -1)))
    took, command = statistics.median_low(longest)
    return [Finding("leases, 100,000, one of them overdue: Redis' longest command until it is found", "within 10 ms",
                    f"{took:.1f} ms ({command}); a waiting worker had it {statistics.median(late):.0f} ms after its "
                    f"lease's end, {max(late):.0f} at most", took <= 10)]


# MARK: Large frames

def sizes(rounds: int, seconds: int) -> list[Finding]:
    def run_with(size: int) -> Run:
        contender = replace(TRACED, requests=TRACED.requests | {
            "sized": http("POST", "/enqueue?camera_id=cam01", bytes(size), "application/octet-stream")
        })
        return run(contender, Load("sized", ("sized",), "", keeps=max(4, 100 * MEGABYTE // size)), 4, seconds)

    costs, _ = medians(rounds, {size: lambda size=size: run_with(size) for size in SIZES}, lambda it: it.server_cpu)
    byte = statistics.median(copying() for _ in range(rounds))
    fixed = costs[KILOBYTE]
    ratios = {size: (costs[size] - fixed) / (byte * (size - KILOBYTE)) for size in SIZES[1:]}
    # What 10 KB add is less than two measurements of the rest differ by.
    judged = [ratio for size, ratio in ratios.items() if size >= 100 * KILOBYTE]
    return [Finding("bytes in a frame, 1 KB to 10 MB: CPU beyond that of 1 KB", "twice that of copying, at most",
                    f"{max(judged):.1f} times from 100 KB on; CPU µs a frame of {listed(costs, ',.0f')}; "
                    f"receiving and sending 1 MB takes {byte * MEGABYTE:,.0f} µs", max(judged) <= 2)]


def copying() -> float:
    """Processor time, in microseconds a byte, of receiving from one TCP connection of loopback and sending by another."""
    total, piece = 1000 * MEGABYTE, 256 * 1024

    def connected() -> tuple[socket.socket, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            near = socket.create_connection(listener.getsockname())
            return near, listener.accept()[0]

    source, inwards = connected()
    outwards, sink = connected()

    def feed() -> None:
        data = bytes(piece)
        for _ in range(total // piece):
            source.sendall(data)
        source.close()

    def drain() -> None:
        buffer = bytearray(piece)
        while sink.recv_into(buffer):
            pass

    threads = [threading.Thread(target=feed), threading.Thread(target=drain)]
    for thread in threads:
        thread.start()
    buffer = memoryview(bytearray(piece))
    start = time.thread_time()
    while length := inwards.recv_into(buffer):
        outwards.sendall(buffer[:length])
    passed = time.thread_time() - start
    outwards.close()
    for thread in threads:
        thread.join()
    for connection in (inwards, sink):
        connection.close()
    return passed * 1e6 / (total // piece * piece)


# MARK: Nothing to do

def idling() -> list[Finding]:
    with Case(TRACED) as case:
        time.sleep(2)
        start = scheduled(case.server.pid)
        time.sleep(10)
        share, memory = (scheduled(case.server.pid) - start) / 10, case.server.usage.memory
    return [
        Finding("idle: memory", "under 30 MB", f"{memory:.0f} MB", memory < 30),
        Finding("idle: CPU", "none that can be measured (0.1 %)", f"{share:.2%} of a core", share < 0.001),
    ]


def scheduled(pid: int) -> float:
    """Seconds that the threads of a process ran, finer than the ticks of its other counts."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def starting() -> list[Finding]:
    times = []
    for _ in range(10):
        with Case(TRACED) as case:
            times.append(case.ready_after * 1000)
    median = statistics.median(times)
    return [Finding("start until ready, on a Redis that runs", "under 100 ms",
                    f"{median:.0f} ms (median), {max(times):.0f} at most", median < 100)]
