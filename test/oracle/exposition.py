"""Reads the text format of Prometheus from stdin with the parser of Prometheus' own Python client.

Prints the families as JSON. That parser gives all counters names as OpenMetrics has them; here they are as they were.
"""

import json
import re
import sys

from prometheus_client.parser import text_string_to_metric_families


def family(found, declared):
    if found.type != "counter" or found.name not in declared:
        name = f"{found.name}_total" if found.type == "counter" else found.name
        return {"name": name, "type": found.type, "help": found.documentation, "samples": samples(found, "")}
    return {"name": found.name, "type": found.type, "help": found.documentation, "samples": samples(found, "_total")}


def samples(found, added):
    return [
        {"name": sample.name.removesuffix(added), "labels": sample.labels, "value": str(sample.value)}
        for sample in found.samples
    ]


text = sys.stdin.read()
declared = set(re.findall(r"^# TYPE (\S+)", text, re.M))
print(json.dumps([family(found, declared) for found in text_string_to_metric_families(text)]))
