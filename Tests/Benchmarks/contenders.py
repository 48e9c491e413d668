"""What is measured: how each contender is started, and how a frame goes into it and comes out."""
from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from loads import BASE64, BASE64_FRAME, CAMERA, FIELDS, JPEG, JSON_FRAME, TEXT, http, path_of
from redis_server import GROUP, QUEUE

HERE = Path(__file__).parent
FRAME_ID = "1767225600000_http_cam01_0001_0123abcd"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass(frozen=True)
class Place:
    """Where a contender has to be: the ports of this case, and a folder for its files."""
    port: int
    redis_port: int
    receiver_port: int
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """For those that take OpenTelemetry's variables. So many spans may wait that none is dropped."""
        return {
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.receiver_port}",
            "OTEL_SERVICE_NAME": "frame-buffer",
            "OTEL_BSP_MAX_QUEUE_SIZE": "2000000",
        }


@dataclass(frozen=True)
class Contender:
    """A server to send loads to, or redis-benchmark in its place."""
    name: str
    about: str
    # The command and the environment of the server; None: redis-benchmark sends `commands`.
    start: Callable[[Place], tuple[list[str], dict[str, str]]] | None
    # By name: json, jpeg, base64, dequeue, lease, acknowledge. What is missing it doesn't have.
    requests: dict[str, bytes] = field(default_factory=dict)
    commands: dict[str, list[str | bytes]] = field(default_factory=dict)
    health: str = "/health"
    # A Lua pattern that finds the receipt in an answer.
    receipt: str = ""
    # Frames that it can hand out in a second at most; 0: it keeps none.
    pace: int = 0
    # Scripts that Redis has to have.
    scripts: tuple[str, ...] = ()

    @property
    def keeps_frames(self) -> bool:
        return self.pace > 0


def executable() -> str:
    """The framebuffer that is measured."""
    return os.environ["BENCH_FRAMEBUFFER"]


# MARK: Frame Buffer

FRAME_BUFFER_REQUESTS = {
    "json": http("POST", "/enqueue", JSON_FRAME),
    "jpeg": http("POST", f"/enqueue?camera_id={CAMERA}", JPEG, "image/jpeg"),
    "base64": http("POST", "/enqueue", BASE64_FRAME),
    "dequeue": http("GET", "/dequeue"),
    "lease": http("GET", "/dequeue?lease=30s"),
    "acknowledge": http("POST", "/ack", b'{"receipts":["RECEIPT"]}', length="LENGTH"),
}


def frame_buffer(name: str, about: str, **settings: str) -> Contender:
    def start(place: Place) -> tuple[list[str], dict[str, str]]:
        # A queue of 10,000, the default, would be full within a second.
        own = {"FRAMEBUFFER_PORT": str(place.port), "FRAMEBUFFER_CAPACITY_FRAMES": "100000000"}
        return [executable(), "serve"], place.environment | own | settings

    return Contender(
        name, about, start, FRAME_BUFFER_REQUESTS, health="/health/ready", receipt='"receipt":"([^"]+)"', pace=120_000
    )


# MARK: webdis

STORED = ["camera_id", CAMERA, "timestamp", FIELDS["timestamp"], "frame_id", FRAME_ID, "_traceparent", TRACEPARENT, "data"]
# webdis 0.1.9 can't write replies within replies, so that a script makes a flat one: the id, then the fields.
READ = (
    f"local r = redis.call('XREADGROUP', 'GROUP', '{GROUP}', 'webdis', 'COUNT', 1, %s'STREAMS', KEYS[1], '>') "
    "if not r then return {} end local e = r[1][2][1] table.insert(e[2], 1, e[1]) return e[2]"
)
TAKE, LEASE = READ % "'NOACK', ", READ % ""
SETTLE = f"redis.call('XACK', KEYS[1], '{GROUP}', ARGV[1]) return redis.call('XDEL', KEYS[1], ARGV[1])"


def script(text: str, *arguments: str) -> bytes:
    return http("GET", path_of("EVALSHA", hashlib.sha1(text.encode()).hexdigest(), "1", QUEUE) + "".join(arguments))


def start_webdis(place: Place) -> tuple[list[str], dict[str, str]]:
    settings = {
        "redis_host": "127.0.0.1", "redis_port": place.redis_port, "http_host": "127.0.0.1", "http_port": place.port,
        "threads": 2, "daemonize": False, "verbosity": 0, "logfile": str(place.folder / "webdis.txt"),
    }
    file = place.folder / "webdis.json"
    file.write_text(json.dumps(settings))
    return ["webdis", str(file)], {}


XADD = ["XADD", QUEUE, "*", *STORED]
WEBDIS = Contender(
    "webdis", "webdis with 2 threads, as Debian has it: XADD; XREADGROUP NOACK, by a script; XACK and XDEL, by another",
    start_webdis,
    {
        "json": http("POST", "/", path_of(*XADD, TEXT)[1:].encode(), "text/plain"),
        "jpeg": http("PUT", path_of(*XADD), JPEG, "image/jpeg"),
        "base64": http("PUT", path_of(*XADD), BASE64.encode(), "text/plain"),
        "dequeue": script(TAKE),
        "lease": script(LEASE),
        "acknowledge": script(SETTLE, "/RECEIPT"),
    },
    health="/PING", receipt='%["([0-9-]+)"', pace=80_000, scripts=(TAKE, LEASE, SETTLE),
)


# MARK: The guide's example

def start_guide(place: Place) -> tuple[list[str], dict[str, str]]:
    command = [
        sys.executable, "-m", "uvicorn", "--app-dir", str(HERE), "guide_example:app", "--host", "127.0.0.1",
        "--port", str(place.port), "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
    ]
    return command, place.environment | {"PYTHONDONTWRITEBYTECODE": "1"}


GUIDE = Contender(
    "guide", "the guide's example on FastAPI with uvloop, httptools and hiredis, one process", start_guide,
    {name: FRAME_BUFFER_REQUESTS[name] for name in ("json", "base64", "dequeue")}, pace=6_000,
)


# MARK: nginx

def start_nginx(place: Place) -> tuple[list[str], dict[str, str]]:
    """One process that answers with what Frame Buffer would."""
    ids = f'"frame_id":"{FRAME_ID}","message_id":"1767225600000-0","trace_id":"0af7651916cd43dd8448eb211c80319c"'
    lease = '"lease":{"receipt":"1767225600000-0.0123456789abcdef","expires_in_ms":30000}'
    temporary = " ".join(
        f"{kind}_temp_path {place.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = place.folder / "nginx.conf"
    file.write_text(f"""
        daemon off; master_process off; pid {place.folder}/nginx.pid; error_log stderr error;
        worker_rlimit_nofile 20000;
        events {{ worker_connections 10000; }}
        http {{
            access_log off; keepalive_requests 1000000000; client_max_body_size 32m; default_type application/json;
            {temporary}
            server {{
                listen 127.0.0.1:{place.port} backlog=4096;
                location /enqueue {{ return 200 '{{"status":"enqueued",{ids},"queue":"{QUEUE}","queue_size":17}}'; }}
                location /dequeue {{ return 200 '{{"status":"dequeued","frame":{JSON_FRAME.decode()},{ids},{lease}}}'; }}
                location / {{ return 200 '{{"settled":1,"stale":[]}}'; }}
            }}
        }}""")
    return ["/usr/sbin/nginx", "-c", str(file), "-e", "stderr", "-p", str(place.folder)], {}


NGINX = Contender(
    "nginx", "nginx, one process, with a reply that never changes: what HTTP alone costs", start_nginx,
    FRAME_BUFFER_REQUESTS, receipt='"receipt":"([^"]+)"',
)


# MARK: Redis alone

REDIS_BENCHMARK = Contender(
    "redis-benchmark", "redis-benchmark without pipelining, on Redis alone: XADD; XREADGROUP NOACK", None,
    commands={
        "json": [*XADD, TEXT],
        "jpeg": [*XADD, JPEG],
        "base64": [*XADD, BASE64],
        "dequeue": ["XREADGROUP", "GROUP", GROUP, "benchmark", "COUNT", "1", "NOACK", "STREAMS", QUEUE, ">"],
    },
    pace=120_000,
)

TRACED = frame_buffer("frame-buffer", "Frame Buffer, every frame traced")
UNSAMPLED = frame_buffer("not-sampled", "the same with OTEL_TRACES_SAMPLER=always_off", OTEL_TRACES_SAMPLER="always_off")
DISABLED = frame_buffer("disabled", "the same with OTEL_SDK_DISABLED=true", OTEL_SDK_DISABLED="true")
FRAME_BUFFERS = {contender.name: contender for contender in (TRACED, UNSAMPLED, DISABLED)}
CONTENDERS = FRAME_BUFFERS | {contender.name: contender for contender in (WEBDIS, GUIDE, NGINX, REDIS_BENCHMARK)}
