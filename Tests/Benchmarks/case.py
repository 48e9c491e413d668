"""One contender with what it needs, all of it fresh: a Redis, a receiver of spans, a folder."""
from __future__ import annotations

import json
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

from contenders import Contender, Place
from loads import HERE, Sent, exchange, http, wrk
from processes import BenchmarkError, Process, free_port
from redis_server import RedisClient, RedisServer


@dataclass(frozen=True)
class Spans:
    """What the receiver got."""
    calls: int
    bytes: int
    spans: int = 0


class Case:
    """A context in which a contender runs; all that was started has ended after it."""
    contender: Contender
    folder: Path
    redis: RedisServer
    client: RedisClient
    receiver_port: int
    port: int
    server: Process | None = None
    # Seconds from the server's start until it said that it was ready.
    ready_after: float = 0
    receiver: Process | None = None

    def __init__(self, contender: Contender, **settings: str) -> None:
        self.contender = contender
        self._settings = settings

    def __enter__(self) -> Case:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            self.redis = self._started(stack, RedisServer(self.folder))
            self.client = self.redis.connect()
            self.client.make_group()
            for script in self.contender.scripts:
                self.client("SCRIPT", "LOAD", script)
            if self.contender.start:
                self.receiver_port = free_port()
                stack.callback(lambda: self.receiver.stop())
                self.be_collected_by("sound")
                self.port = free_port()
                place = Place(self.port, self.redis.port, self.receiver_port, self.folder)
                command, environment = self.contender.start(place)
                start = time.monotonic()
                self.server = self._started(stack, Process(command, self.folder, environment | self._settings))
                self.server.wait_until(lambda: self.get(self.contender.health)[0] == 200, pause=0.002)
                self.ready_after = time.monotonic() - start
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @staticmethod
    def _started(stack: ExitStack, process):
        stack.callback(process.stop)
        return process

    # MARK: Requests

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        return exchange(self.port, http("GET", path))

    def send(self, turns: tuple[str, ...], connections: int, seconds: int) -> Sent:
        """A load of wrk."""
        return wrk(
            self.port, self.contender.requests, turns, self.contender.receipt, connections, seconds, self.folder
        )

    def repeat(self, request: str, times: int) -> None:
        """Sends one of the contender's requests again and again, on one connection; all have to be answered by 200."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            for _ in range(times):
                connection.sendall(self.contender.requests[request])
                answer = HTTPResponse(connection)
                answer.begin()
                answer.read()
                if answer.status != 200:
                    raise BenchmarkError(f"{self.contender.name} answered {answer.status} to {request}")

    def fill(self, count: int) -> None:
        """Puts `count` frames into the queue: copies of one, as the contender keeps it."""
        if not self.contender.start:
            [_, _, _, *fields] = self.contender.commands["json"]
            self.client.fill([field.encode() for field in fields], count)
            return
        status, answer = exchange(self.port, self.contender.requests["json"])
        if status != 200:
            raise BenchmarkError(f"{self.contender.name} answered {status} to a frame: {answer!r}")
        self.client.fill(self.client.newest_entry(), count - 1)

    # MARK: Spans

    def be_collected_by(self, kind: str | None) -> None:
        """From now on spans find a receiver of that kind (receiver.py) at the same port, or none."""
        if self.receiver:
            self.receiver.stop()
        if kind:
            self.receiver = Process([sys.executable, str(HERE / "receiver.py"), str(self.receiver_port), kind], self.folder)
            self.receiver.wait_until(lambda: self.received().calls == 0)

    def received(self, count_spans: bool = False) -> Spans:
        """Spans are counted where `count_spans` asks for it: that takes some seconds for a million."""
        figures = json.loads(exchange(self.receiver_port, http("GET", "/calls"))[1])
        if count_spans:
            figures |= json.loads(exchange(self.receiver_port, http("GET", "/spans"))[1])
        return Spans(**figures)

    def settle(self) -> None:
        """Waits until no more spans come, for half a minute at most."""
        before = -1
        for _ in range(100):
            now = self.received().calls
            if now == before:
                return
            before = now
            time.sleep(0.3)

    def dropped_spans(self) -> int:
        """How many spans the contender says it lost; 0 where it says nothing of it."""
        status, answer = self.get("/health")
        if status != 200 or not answer.startswith(b"{"):
            return 0
        return json.loads(answer).get("checks", {}).get("tracing", {}).get("dropped", 0)
