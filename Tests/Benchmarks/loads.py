"""The loads, the frames in them, and wrk, which sends them."""
from __future__ import annotations

import base64
import json
import os
import random
import re
import socket
import subprocess
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import quote

from processes import BenchmarkError

HERE = Path(__file__).parent
CAMERA, TIMESTAMP = "cam01", "2026-01-01T00:00:00Z"

_random = random.Random(1)
# As large as a JPEG, and like one hard to compress. No byte is zero: redis-benchmark takes it as an argument.
JPEG = b"\xff\xd8\xff\xe0" + bytes(_random.randint(1, 255) for _ in range(50_000 - 6)) + b"\xff\xd9"
FIELDS = {"camera_id": CAMERA, "timestamp": TIMESTAMP}


def frame(data: str, **fields: str) -> bytes:
    """A frame as JSON."""
    return json.dumps(FIELDS | fields | {"data": data}, separators=(",", ":")).encode()


# So long that the frame has 250 bytes.
TEXT = "".join(_random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=250 - len(frame(""))))
JSON_FRAME = frame(TEXT)
BASE64 = base64.b64encode(JPEG).decode()
BASE64_FRAME = frame(BASE64, data_encoding="base64")


def http(method: str, path: str, body: bytes = b"", content_type: str = "application/json", length: str = "") -> bytes:
    """A whole request; `length` stands in for the body's where that isn't known yet."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if body:
        head += f"Content-Type: {content_type}\r\nContent-Length: {length or len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def exchange(port: int, request: bytes) -> tuple[int, bytes]:
    """Sends a request on a connection of its own; status and body of the answer."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(request)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read()


def path_of(*arguments: str) -> str:
    """A command of Redis as webdis has it; an unescaped dot would end it."""
    return "/" + "/".join(quote(argument, safe="").replace(".", "%2e") for argument in arguments)


@dataclass(frozen=True)
class Load:
    """Requests that are sent in turn. Each frame that came with a lease is acknowledged by the next request."""
    name: str
    turns: tuple[str, ...]
    about: str
    # Whether frames are in the queue before it begins: `depth` of them, or with 0 all that a contender can hand out.
    is_filled: bool = False
    depth: int = 0
    # How many frames stay in the queue while more come, if those of some seconds would not fit into memory; 0: all.
    keeps: int = 0


MIXED = ("json", "dequeue", "json", "dequeue", "json", "dequeue", "json", "lease")
LOADS = {
    load.name: load
    for load in (
        Load("json", ("json",), "a JSON frame of 250 bytes is enqueued"),
        Load("jpeg", ("jpeg",), "a JPEG of 50 KB is enqueued as it is", keeps=2000),
        Load("base64", ("base64",), "the same as base64 in JSON", keeps=2000),
        Load("dequeue", ("dequeue",), "one of these JSON frames is dequeued", is_filled=True),
        Load("lease", ("lease",), "one is dequeued with a lease, or acknowledged: two requests a frame", is_filled=True),
        Load("mixed", MIXED, "they are enqueued and dequeued in turn, every fourth with a lease", is_filled=True, depth=1000),
    )
}


@dataclass(frozen=True)
class Sent:
    """What wrk, or redis-benchmark, says of a load. Times are in microseconds."""
    answers: int
    failures: int
    acknowledgements: int
    seconds: float
    p50: float
    p99: float


def wrk(
    port: int, requests: dict[str, bytes], turns: tuple[str, ...], receipt: str, connections: int, seconds: int,
    folder: Path,
) -> Sent:
    """Sends `turns` of `requests`, one thread having all connections."""
    files = folder / "requests"
    files.mkdir(exist_ok=True)
    for name, request in requests.items():
        (files / name).write_bytes(request)
    environment = {"BENCH_REQUESTS": str(files), "BENCH_TURNS": " ".join(turns), "BENCH_RECEIPT": receipt}
    run = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "load.lua"),
         f"http://127.0.0.1:{port}"],
        env=os.environ | environment, capture_output=True, text=True, start_new_session=True,
    )
    found = re.search(r"^RESULT (.*)$", run.stdout, re.MULTILINE)
    if not found:
        raise BenchmarkError(f"wrk: {run.stdout}{run.stderr}")
    result = json.loads(found[1])
    return Sent(
        result["answers"], result["failures"], result["acknowledgements"], result["microseconds"] / 1e6, result["p50"],
        result["p99"],
    )


def redis_benchmark(port: int, command: list[str | bytes], connections: int, count: int) -> Sent:
    """Sends a command of Redis `count` times."""
    run = subprocess.run(
        ["redis-benchmark", "-p", str(port), "-c", str(connections), "-n", str(count), "--csv", "--precision", "3",
         *command],
        capture_output=True, start_new_session=True,
    )
    figures = re.findall(rb'"([0-9.]+)"', run.stdout.splitlines()[-1] if run.stdout else b"")[-7:]
    if run.returncode or len(figures) != 7:
        raise BenchmarkError(f"redis-benchmark: {run.stdout[-300:]!r} {run.stderr[-300:]!r}")
    rate, _, _, p50, _, p99, _ = map(float, figures)
    return Sent(count, 0, 0, count / rate, p50 * 1000, p99 * 1000)
