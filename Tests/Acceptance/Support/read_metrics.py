"""Fetches metrics in one of their two forms (`prometheus` or `openmetrics`) and has them read by the parser of Prometheus' own
client library, which is strict for OpenMetrics. Prints each sample as a line of JSON."""

import json
import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

url, form = sys.argv[1:]
accept, content_type, parse = {
    "prometheus": ("text/plain", "text/plain; version=0.0.4; charset=utf-8", prometheus),
    "openmetrics": (
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        open_metrics,
    ),
}[form]
with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept})) as reply:
    assert reply.headers["Content-Type"] == content_type, reply.headers["Content-Type"]
    text = reply.read().decode()
for family in parse(text):
    assert family.documentation, family.name
    for sample in family.samples:
        line = {"name": sample.name, "labels": sample.labels, "value": str(sample.value), "type": family.type}
        if sample.exemplar:
            line["exemplar"] = sample.exemplar.labels
        print(json.dumps(line))
