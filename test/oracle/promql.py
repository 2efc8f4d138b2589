"""Parses PromQL with the grammar of Prometheus. Reads a JSON list of expressions from stdin.

Prints for each the selectors, with the labels that they match on, and the labels that aggregations keep; or the error.
"""

import json
import sys

import promql_parser as promql


def inspect(text):
    selectors = []
    kept = set()

    def visit(node):
        if isinstance(node, promql.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql.VectorSelector):
            selectors.append({"name": node.name, "labels": sorted({m.name for m in node.matchers.matchers})})
        elif isinstance(node, promql.AggregateExpr):
            visit(node.expr)
            if node.modifier is not None:
                kept.update(node.modifier.labels)
        elif isinstance(node, promql.BinaryExpr):
            visit(node.lhs)
            visit(node.rhs)
        elif isinstance(node, promql.Call):
            for argument in node.args:
                visit(argument)
        elif isinstance(node, (promql.ParenExpr, promql.UnaryExpr, promql.SubqueryExpr)):
            visit(node.expr)

    visit(promql.parse(text))
    return {"selectors": selectors, "kept": sorted(kept)}


def answer(text):
    try:
        return inspect(text)
    except Exception as error:  # Whatever the parser says is the answer.
        return {"error": str(error)}


print(json.dumps([answer(text) for text in json.load(sys.stdin)]))
