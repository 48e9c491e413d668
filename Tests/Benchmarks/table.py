"""Tables in Markdown, which can be read in a terminal too, and what machine they are of."""
from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path


def markdown(header: list[str], rows: list[list[str]], left: int = 1) -> str:
    """A table with columns as wide as they have to be, the first `left` of them aligned to the left."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]

    def line(cells: list[str]) -> str:
        aligned = (text.ljust(widths[i]) if i < left else text.rjust(widths[i]) for i, text in enumerate(cells))
        return "| " + " | ".join(aligned) + " |"

    rules = ("-" * (width + 2) if i < left else "-" * (width + 1) + ":" for i, width in enumerate(widths))
    return "\n".join([line(header), "|" + "|".join(rules) + "|", *map(line, rows)])


def cell(value: float | None, form: str = ",.0f") -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else format(value, form)


def machine() -> str:
    """Processor, system, and the versions of what is measured."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    release = re.search(r'^PRETTY_NAME="(.*)"$', Path("/etc/os-release").read_text(), re.MULTILINE)
    versions = [
        f"{name} {found[1]}"
        for name, command, pattern in (
            ("Redis", ["redis-server", "--version"], r"v=(\S+)"),
            ("wrk", ["wrk", "-v"], r"wrk \S*?(\d[\d.]*)"),
            ("webdis", ["dpkg-query", "-W", "webdis"], r"\s(\d[\d.]*)"),
            ("nginx", ["/usr/sbin/nginx", "-v"], r"nginx/(\S+)"),
        )
        if (found := re.search(pattern, output_of(command)))
    ]
    return ", ".join([
        f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}",
        f"{release[1] if release else platform.system()}, Linux {platform.release()}",
        *versions, f"Python {platform.python_version()}",
    ])


def output_of(command: list[str]) -> str:
    """All that a command prints; nothing if there is no such command."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return run.stdout + run.stderr
