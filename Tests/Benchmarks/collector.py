"""What a collector that is dead, slow, refusing or lying does to a service under full load: nothing, but for its spans."""
from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass

from case import Case
from contenders import TRACED
from loads import Sent
from processes import Usage
from table import markdown

# In turn with a sound collector, as whatever else the machine does changes meanwhile.
FAULTS = {
    "dead": "its port is closed",
    "slow": "answers after 8 seconds",
    "hanging": "never answers",
    "refusing": "answers 503, to be tried again",
    "rejecting": "answers 400",
    "lying": "answers 200 with bytes that mean nothing",
    "endless": "answers 200 and never ends",
}
TURNS, CONNECTIONS = ("json", "dequeue"), 32
# A sound collector's turn takes so much of a faulty one's.
SOUND_SHARE = 0.25


@dataclass(frozen=True)
class Turn:
    """What one kind of collector did, for some time."""
    name: str
    sent: Sent
    usage: Usage
    dropped: dict[str, int]


def collector(seconds: int) -> bool:
    """Prints what each fault of a collector does, in `seconds` for all of them. False if it does more than it may."""
    each = max(2, round(seconds / len(FAULTS)))
    turns: list[Turn] = []
    # As a service is by default, with a queue of spans that is soon full; the names are OpenTelemetry's.
    with Case(TRACED, OTEL_BSP_MAX_QUEUE_SIZE="2048") as case:
        case.fill(1000)
        for fault in FAULTS:
            turns.append(turn(case, "sound", max(2, round(each * SOUND_SHARE))))
            turns.append(turn(case, fault, each))
        turns.append(turn(case, "sound", max(2, round(each * SOUND_SHARE))))
    sound = [it for it in turns if it.name == "sound"]
    faulty = [it for it in turns if it.name != "sound"]
    # The first turn also brings the memory that any load takes.
    memory = max(it.usage.memory for it in turns[1:]) / turns[0].usage.memory - 1
    slower = max(it.sent.p50 for it in faulty) / statistics.median(it.sent.p50 for it in sound) - 1
    noise = max(it.sent.p50 for it in sound) / statistics.median(it.sent.p50 for it in sound) - 1
    rows = [
        [it.name, FAULTS.get(it.name, "takes them"), f"{it.sent.answers / it.sent.seconds:,.0f}", f"{it.sent.p50:,.0f}",
         f"{it.sent.p99:,.0f}", str(it.sent.failures), f"{it.usage.memory:.0f}",
         ", ".join(f"{reason} {count:,}" for reason, count in it.dropped.items() if count) or "–"]
        for it in turns
    ]
    print(markdown(
        ["collector", "", "requests/s", "p50 µs", "p99 µs", "failed", "MB", "spans dropped"], rows, left=2
    ))
    met = {
        "no request fails": not any(it.sent.failures for it in turns),
        f"none is slower by more than noise: {slower:+.0%} beside sound turns, which differ by {noise:.0%} themselves":
            slower <= max(0.1, noise),
        f"memory is flat: {memory:+.0%} after the first turn": memory <= 0.2,
        # Who says 200 has taken them.
        "what is lost is counted": all(sum(it.dropped.values()) for it in faulty if it.name != "lying"),
    }
    print()
    print(markdown(["what has to hold", "holds"], [[text, "yes" if holds else "no"] for text, holds in met.items()], left=2))
    return all(met.values())


def turn(case: Case, name: str, seconds: int) -> Turn:
    """Puts the load on the service while its collector is of that kind."""
    print(f"{name}, {seconds} s", file=sys.stderr)
    case.be_collected_by(None if name == "dead" else name)
    before = tracing(case)
    sent = case.send(TURNS, CONNECTIONS, seconds)
    after = tracing(case)
    return Turn(
        name, sent, case.server.usage,
        {reason: count - before["dropped_by"][reason] for reason, count in after["dropped_by"].items()},
    )


def tracing(case: Case) -> dict:
    """What the service says of its spans."""
    return json.loads(case.get("/health")[1])["checks"]["tracing"]
