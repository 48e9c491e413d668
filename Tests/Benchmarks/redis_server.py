"""A private Redis without persistence, and as much of a client as is needed to fill it and to look into it."""
from __future__ import annotations

import socket
from pathlib import Path

from processes import Process, free_port

QUEUE, GROUP = "frames:queue", "workers"

# Copies of an entry, each in a trace of its own. ARGV: how many, how many there were before, the entry's fields.
COPY = """
local fields, trace, flags = {unpack(ARGV, 3)}, nil, nil
for i = 1, #fields, 2 do
    if fields[i] == '_traceparent' then trace, flags = i + 1, fields[i + 1]:sub(-3) end
end
for i = ARGV[2] + 1, ARGV[2] + ARGV[1] do
    if trace then fields[trace] = string.format('00-%032x-%016x', i, i) .. flags end
    redis.call('XADD', KEYS[1], '*', unpack(fields))
end
"""


class RedisServer(Process):
    """A redis-server on a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        super().__init__(command, folder)

    def connect(self) -> RedisClient:
        """Waits until it answers."""
        client: list[RedisClient] = []

        def is_ready() -> bool:
            client[:] = [RedisClient(self.port)]
            return client[0]("PING") == b"PONG"

        self.wait_until(is_ready)
        return client[0]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"


class RedisClient:
    """Sends a command and returns its reply: bytes, a number, a list, or None."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._replies = self._socket.makefile("rb")

    def __call__(self, *arguments: str | bytes | int):
        parts = [part if isinstance(part, bytes) else str(part).encode() for part in arguments]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self._reply()

    def _reply(self):
        line = self._replies.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise OSError(f"Redis said {rest.decode()}")
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        if not kind:
            raise ConnectionError("Redis closed the connection")
        length = int(rest)
        if length < 0:
            return None
        if kind == b"*":
            return [self._reply() for _ in range(length)]
        return self._replies.read(length + 2)[:-2]

    # MARK: The queue

    def make_group(self) -> None:
        self("XGROUP", "CREATE", QUEUE, GROUP, "0", "MKSTREAM")

    def newest_entry(self) -> list[bytes]:
        """Names and values in turn."""
        [[_, fields]] = self("XREVRANGE", QUEUE, "+", "-", "COUNT", 1)
        return fields

    def fill(self, fields: list[bytes], count: int) -> None:
        """Adds `count` copies of an entry, each in another trace."""
        for done in range(0, count, 10_000):
            self("EVAL", COPY, 1, QUEUE, min(10_000, count - done), done, *fields)

    def went_in(self) -> int:
        """How many frames ever went into the queue."""
        return pairs(self("XINFO", "STREAM", QUEUE))[b"entries-added"]

    def came_out(self) -> int:
        """How many frames the group was ever handed."""
        groups = [pairs(group) for group in self("XINFO", "GROUPS", QUEUE)]
        # None until the first.
        return next(group[b"entries-read"] or 0 for group in groups if group[b"name"] == GROUP.encode())

    def moved(self) -> int:
        """Both together."""
        return self.went_in() + self.came_out()


def pairs(reply: list) -> dict:
    """A reply of names and values in turn."""
    return dict(zip(reply[::2], reply[1::2]))
