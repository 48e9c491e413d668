"""A worker that leases all there is, and then acknowledges it, a hundred frames at a time, until it is killed.

It says on standard error what it has: `leased TIME ID:DELIVERIES …`, with the time before it asked, and `acked ID …`.
"""

import http.client
import json
import sys
import time

port, count, lease = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
service = http.client.HTTPConnection("127.0.0.1", port)


def call(method, path, body=None):
    service.request(method, path, body)
    response = service.getresponse()
    text = response.read()
    if response.status != 200:
        sys.exit(f"failed {path}: {response.status} {text}")
    return json.loads(text)


def say(what, words):
    print(what, *words, file=sys.stderr, flush=True)


receipts = {}
while len(receipts) < count:
    asked = time.time()
    frames = call("GET", f"/dequeue?count=100&wait=1s&lease={lease}").get("frames", [])
    for frame in frames:
        receipts[frame["frame"]["frame_id"]] = frame["lease"]["receipt"]
    say(f"leased {asked:.6f}", [f"{frame['frame']['frame_id']}:{frame['deliveries']}" for frame in frames])

ids = list(receipts)
for start in range(0, count, 100):
    portion = ids[start : start + 100]
    answer = call("POST", "/ack", json.dumps({"receipts": [receipts[id] for id in portion]}))
    if answer["settled"] == len(portion):
        say("acked", portion)
    # Whoever kills it is to find it in the middle of its work.
    time.sleep(0.02)
