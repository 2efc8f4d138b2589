import type { z } from 'zod';
import { hintForKey, hintForValue } from './config-hints.js';
import { describeFound, formatPath, type ConfigProblem } from './config-report.js';
import { describeExpected, schemaAt } from './config-schema.js';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** A configuration as it was written, and where its parts stand. */
export interface Written {
  readonly value: unknown;
  /** Where the value at `path` starts; where it is missing, what should hold it; else the start of the file. */
  readonly nearest: (path: Path) => number;
  /** Where the key starts that is in the mapping at `parent`; undefined: it is not there. */
  readonly key: (parent: Path, key: string) => number | undefined;
  /** What the file calls a path of the configuration. */
  readonly said: (path: Path) => Path;
}

export function problem(offset: number, path: Path, message: string, hint: string | null): ConfigProblem {
  return { offset, path: formatPath(path), message, hint };
}

/** What the schema has found, as problems of the file. */
export function schemaProblems(issues: readonly Issue[], written: Written): ConfigProblem[] {
  const problems = issues.flatMap((issue) => issueProblems(issue, issue.path, written));
  // Two rules that one value breaks are one problem.
  return [...new Map(problems.map((entry) => [`${entry.path} ${entry.message}`, entry])).values()];
}

function issueProblems(issue: Issue, path: Path, written: Written): ConfigProblem[] {
  if (issue.code === 'invalid_union') {
    // Which alternative was meant is only clear where all its problems are inside it.
    const meant = issue.errors.find((issues) => issues.every((inner) => inner.path.length > 0));
    if (meant === undefined) return [valueProblem(path, null, written)];
    return meant.flatMap((inner) => issueProblems(inner, [...path, ...inner.path], written));
  }
  if (issue.code === 'unrecognized_keys' && schemaAt(path)?.anyOf === undefined) {
    return issue.keys.map((key) => {
      const offset = written.key(path, key) ?? written.nearest(path);
      return problem(offset, written.said([...path, key]), 'there is no such key', hintForKey(path, key));
    });
  }
  if (issue.code === 'custom') return [problem(written.nearest(path), written.said(path), issue.message, null)];
  // The message is ours, and better than what the schema says of texts in general.
  return [valueProblem(path, issue.code === 'invalid_format' ? issue.message : null, written)];
}

function valueProblem(path: Path, own: string | null, { value, nearest, said }: Written): ConfigProblem {
  const found = path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
  const schema = schemaAt(path);
  const expected = own ?? `expected ${schema === undefined ? 'something else' : describeExpected(schema)}`;
  const message =
    found === undefined ? `the key is missing: ${expected}` : `${expected}, found ${describeFound(found)}`;
  return problem(nearest(path), said(path), message, hintForValue(path, found));
}
