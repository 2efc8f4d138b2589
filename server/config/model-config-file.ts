import { isMap, LineCounter, parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { errorMessage } from '../core/errors.js';
import { meaninglessKeys } from '../core/meaningless-keys.js';
import { modelConfigSchema, type ModelConfig } from '../core/model-config.js';
import { withProfile } from '../core/task-profiles.js';
import { hintForKey, hintForValue } from './config-hints.js';
import { configError, describeFound, formatPath, type ConfigProblem } from './config-report.js';
import { describeExpected, schemaAt } from './config-schema.js';
import { deepFreeze } from './deep-freeze.js';
import { keyOffset, nearestOffset } from './yaml-location.js';

/** Characters. A real file has some hundred; the parser is recursive, and its time grows faster than the text. */
const MOST_CHARACTERS = 65_536;

/** How often anchors may be repeated: a few lines of aliases of aliases can stand for gigabytes. */
const MOST_ALIASES = 64;

type Issue = z.core.$ZodIssue;

const SMALLEST = 'the smallest configuration is `task: embedding` and `input: { width: 224, height: 224 }`';

/**
 * Reads the text of a config.yaml. Answers the configuration with all defaults, deeply frozen. Throws CONFIG_INVALID
 * with every problem of the text, each with `file`, line and column. `override`: keys that stand in place of the text's,
 * as JSON; null: there are none.
 */
export function parseModelConfig(text: string, file: string, override: string | null = null): ModelConfig {
  const lineCounter = new LineCounter();
  const fail = (problems: readonly ConfigProblem[]) =>
    configError(file, problems, (offset) => (text === '' ? { line: 1, col: 1 } : lineCounter.linePos(offset)));

  if (text.length > MOST_CHARACTERS) {
    lineCounter.addNewLine(0);
    throw fail([problem(0, [], `expected at most ${MOST_CHARACTERS} characters, found ${text.length}`, null)]);
  }
  // 'error' keeps the parser from writing warnings of its own to the terminal; they are in document.warnings.
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
  const syntax = syntaxProblems(document, text);
  // A key that is there twice leaves the rest readable, so that the rest is checked too.
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) throw fail(syntax);

  const read = toValue(document);
  const value = override === null || read instanceof Error ? read : overridden(read, override);
  if (value instanceof Error) throw fail([...syntax, problem(0, [], errorMessage(value), 'write the values out')]);
  if (!isMap(document.contents)) {
    const found = value === null ? 'nothing: the file is empty' : describeFound(value);
    throw fail([...syntax, problem(0, [], `expected a mapping of keys to values, found ${found}`, SMALLEST)]);
  }
  const result = modelConfigSchema.safeParse(withProfile(value));
  const problems = [
    ...(result.success ? [] : schemaProblems(result.error.issues, document, value)),
    ...meaninglessKeys(value).map(([path, message]) => problem(nearestOffset(document, path), path, message, null)),
  ];
  if (!result.success || problems.length > 0 || syntax.length > 0) throw fail([...syntax, ...problems]);
  return deepFreeze(result.data);
}

function problem(offset: number, path: readonly PropertyKey[], message: string, hint: string | null): ConfigProblem {
  return { offset, path: formatPath(path), message, hint };
}

function syntaxProblems(document: Document.Parsed, text: string): ConfigProblem[] {
  const deep = document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  // Every level that is left open would be an error of its own.
  if (deep !== undefined) return [problem(deep.pos[0], [], 'the values are nested too deeply', null)];
  return [...document.errors, ...document.warnings].map(({ code, message, pos }) => {
    switch (code) {
      case 'DUPLICATE_KEY': {
        const key = /^[^\s:]*/.exec(text.slice(pos[0]))?.[0] ?? '';
        return problem(pos[0], [key], 'the key is there twice', 'keep one');
      }
      case 'MULTIPLE_DOCS':
        return problem(pos[0], [], 'a second document starts here', 'a file holds the configuration of one model');
      case 'TAB_AS_INDENT':
        return problem(pos[0], [], message, 'indent with spaces');
      case 'TAG_RESOLVE_FAILED':
        return problem(pos[0], [], message, 'remove the tag');
      default:
        return problem(pos[0], [], message, null);
    }
  });
}

/** The keys of the text with those of a JSON object in their place, or why that is none. */
function overridden(value: unknown, override: string): unknown {
  let keys: unknown;
  try {
    keys = JSON.parse(override);
  } catch (cause) {
    return new Error(`the configuration given in place of the file's is no JSON: ${errorMessage(cause)}`);
  }
  if (typeof keys === 'object' && keys !== null && !Array.isArray(keys)) return { ...(value as object), ...keys };
  return new Error(`the configuration given in place of the file's must be a JSON object, not ${describeFound(keys)}`);
}

/** The document as plain values, or the error of aliases that cannot be resolved. */
function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
  } catch (cause) {
    // The library reports unresolved and excessive aliases by this class.
    if (cause instanceof ReferenceError) return cause;
    throw cause;
  }
}

function schemaProblems(issues: readonly Issue[], document: Document, root: unknown): ConfigProblem[] {
  const problems = issues.flatMap((issue) => issueProblems(issue, issue.path, document, root));
  // Two rules that one value breaks are one problem.
  return [...new Map(problems.map((entry) => [`${entry.path} ${entry.message}`, entry])).values()];
}

function issueProblems(issue: Issue, path: readonly PropertyKey[], document: Document, root: unknown): ConfigProblem[] {
  if (issue.code === 'invalid_union') {
    // Which alternative was meant is only clear where all its problems are inside it.
    const meant = issue.errors.find((issues) => issues.every((inner) => inner.path.length > 0));
    if (meant === undefined) return [valueProblem(path, null, document, root)];
    return meant.flatMap((inner) => issueProblems(inner, [...path, ...inner.path], document, root));
  }
  if (issue.code === 'unrecognized_keys' && schemaAt(path)?.anyOf === undefined) {
    return issue.keys.map((key) => {
      const offset = keyOffset(document, path, key) ?? nearestOffset(document, path);
      return problem(offset, [...path, key], 'there is no such key', hintForKey(path, key));
    });
  }
  if (issue.code === 'custom') return [problem(nearestOffset(document, path), path, issue.message, null)];
  // The message is ours, and better than what the schema says of texts in general.
  return [valueProblem(path, issue.code === 'invalid_format' ? issue.message : null, document, root)];
}

function valueProblem(
  path: readonly PropertyKey[],
  own: string | null,
  document: Document,
  root: unknown,
): ConfigProblem {
  const found = path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    root,
  );
  const schema = schemaAt(path);
  const expected = own ?? `expected ${schema === undefined ? 'something else' : describeExpected(schema)}`;
  const message =
    found === undefined ? `the key is missing: ${expected}` : `${expected}, found ${describeFound(found)}`;
  return problem(nearestOffset(document, path), path, message, hintForValue(path, found));
}
