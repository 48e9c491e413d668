"""Processes that are started here and ended here, by their ids, and what they use."""
from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# What is set for somebody's own service is not for those here.
FOREIGN = ("OTEL_", "FRAMEBUFFER_", "REDIS_", "LOG_", "UVICORN_")


class BenchmarkError(Exception):
    """A measurement that could not be made, and why."""


@dataclass(frozen=True)
class Usage:
    """What a process has used so far."""
    cpu: float  # Seconds, user and system, of all threads.
    memory: float  # Resident now, in MB.
    peak: float  # Resident at most, in MB.

    @staticmethod
    def of(pid: int) -> Usage:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
        sizes = dict(line.split(":", 1) for line in status.splitlines())
        return Usage(
            cpu=(int(fields[11]) + int(fields[12])) / TICKS_A_SECOND,
            memory=int(sizes["VmRSS"].split()[0]) / 1024,
            peak=int(sizes["VmHWM"].split()[0]) / 1024,
        )


def busy_seconds() -> float:
    """Seconds of processor that the whole machine has spent so far, what was stolen from it included."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, interrupts, soft_interrupts, stolen = map(int, file.readline().split()[1:9])
    return (user + nice + system + interrupts + soft_interrupts + stolen) / TICKS_A_SECOND


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A process with a session of its own, so that Ctrl-C reaches it once, through here; its output is in a file."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
        self.name = Path(command[0]).name
        self._output = folder / f"{self.name}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        with open(self._output, "wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=inherited | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def usage(self) -> Usage:
        return Usage.of(self.pid)

    def wait_until(self, is_ready: Callable[[], bool], pause: float = 0.02) -> None:
        """Returns once `is_ready` does, which may fail for want of a connection until then."""
        deadline = time.monotonic() + 30
        while self._process.poll() is None:
            try:
                if is_ready():
                    return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{self.name} was not ready within 30 seconds: {self._last_words()}")
            time.sleep(pause)
        raise BenchmarkError(f"{self.name} ended with {self._process.returncode}: {self._last_words()}")

    def stop(self) -> None:
        """By SIGTERM, and by SIGKILL if it takes over 15 seconds."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        return self._output.read_bytes()[-1000:].decode(errors="replace").strip()
