"""Reads a request of OTLP over HTTP, as protobuf, from stdin with OpenTelemetry's own messages.

Prints its spans as JSON; times are text, as they do not fit a number.
"""

import json
import sys

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status


def values(attributes):
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


def spans(request):
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                yield {
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "state": span.trace_state,
                    "name": span.name,
                    "kind": Span.SpanKind.Name(span.kind),
                    "from": str(span.start_time_unix_nano),
                    "to": str(span.end_time_unix_nano),
                    "attributes": values(span.attributes),
                    "events": [{"name": event.name, "attributes": values(event.attributes)} for event in span.events],
                    "status": Status.StatusCode.Name(span.status.code),
                    "scope": scope.scope.name,
                    "resource": values(group.resource.attributes),
                }


print(json.dumps(list(spans(ExportTraceServiceRequest.FromString(sys.stdin.buffer.read())))))
