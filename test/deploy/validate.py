"""Holds the Kubernetes documents of standard input against the schemas of a release, unknown fields included.

Prints how many were checked, and a line to standard error for each problem. The kinds of the Prometheus operator are left
out; any other kind that the release does not have is a problem.
"""

import sys

import kubernetes_validate
import yaml

release = sys.argv[1]
checked = 0
for document in yaml.safe_load_all(sys.stdin):
    if document is None or document["apiVersion"].startswith("monitoring.coreos.com/"):
        continue
    name = f"{document['kind']} {document['metadata']['name']}"
    checked += 1
    try:
        kubernetes_validate.validate(document, release, strict=True)
    except kubernetes_validate.ValidationError as error:
        print(f"{name}: {'.'.join(map(str, error.path))}: {error.message[:300]}", file=sys.stderr)
    except (kubernetes_validate.SchemaNotFoundError, kubernetes_validate.InvalidSchemaError):
        print(f"{name}: there is no {document['apiVersion']} {document['kind']} in {release}", file=sys.stderr)
print(checked)
