"""What `scripts/bench` runs once all is built and installed."""
from __future__ import annotations

import argparse
import resource
import signal
import sys

from collector import collector
from compare import compare
from contenders import CONTENDERS
from growth import growth
from loads import LOADS
from promises import promises
from table import machine

DESCRIPTION = """\
Measures Frame Buffer on this machine, each time with a fresh Redis, a receiver of spans and servers on loopback, all of
which have ended afterwards. Figures come to standard output, progress to standard error.

  compare   Frame Buffer beside others, under the same loads (default; about 15 minutes)
  promises  what the guide promises of tracing, beside what it really costs (two minutes)
  growth    how cost grows with the queue, connections, waiting workers, leases and large frames (five minutes)
  collector what a collector that is dead, slow, refusing or lying does to a service under full load (ten minutes of faults)

It exits with 1 if Frame Buffer failed a request, lost a frame, or does not keep to what is promised.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("subject", nargs="?", choices=["compare", "promises", "growth", "collector"],
                        default="compare", metavar="SUBJECT", help="compare, promises, growth or collector; stands first")
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), metavar="NAME",
                        help="compare only these: " + ", ".join(CONTENDERS))
    parser.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS), metavar="NAME",
                        help="compare by these loads only: " + ", ".join(LOADS))
    parser.add_argument("--connections", nargs="+", type=int, metavar="N",
                        help="for each load; by default 32, and for json 1 and 1000 too")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each is measured (3)")
    parser.add_argument("--seconds", type=int, metavar="N", help="how long each load lasts (3)")
    parser.add_argument("--quick", action="store_true", help="one round of a second: to see that it works")
    parser.add_argument("--raw", metavar="FILE", help="append each run of compare to FILE as a line of JSON")
    parsed = parser.parse_args()
    parsed.rounds = parsed.rounds or (1 if parsed.quick else 3)
    parsed.seconds = parsed.seconds or (1 if parsed.quick else 3)
    return parsed


def end(number: int, _: object) -> None:
    # All that was started is ended on the way out, which another signal must not cut short.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def main() -> int:
    given = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    # For a thousand connections and ten thousand waiting workers, here and in what is started.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    print(f"{machine()}\n\nscripts/bench {' '.join(sys.argv[1:])}\n")
    if given.subject == "promises":
        kept = promises(given.rounds, given.seconds)
    elif given.subject == "collector":
        kept = collector(14 if given.quick else 600)
    elif given.subject == "growth":
        kept = growth(given.rounds, given.seconds)
    else:
        cases = [
            (LOADS[name], number)
            for name in given.loads
            for number in given.connections or ([1, 32, 1000] if name == "json" else [32])
        ]
        contenders = [CONTENDERS[name] for name in given.contenders]
        kept = compare(contenders, cases, given.rounds, given.seconds, given.raw)
    return 0 if kept else 1


sys.exit(main())
