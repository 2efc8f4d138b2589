import { isMap, LineCounter, parseDocument, type Document } from 'yaml';
import { errorMessage } from '../core/errors.js';
import { meaninglessKeys } from '../core/meaningless-keys.js';
import { modelConfigSchema, type ModelConfig } from '../core/model-config.js';
import { withProfile } from '../core/task-profiles.js';
import { parseOverride } from './config-override.js';
import { configError, describeFound, type ConfigProblem } from './config-report.js';
import { deepFreeze } from './deep-freeze.js';
import { problem, schemaProblems } from './schema-problems.js';
import { keyOffset, nearestOffset } from './yaml-location.js';

/** Characters. A real file has some hundred; the parser is recursive, and its time grows faster than the text. */
const MOST_CHARACTERS = 65_536;

/** How often anchors may be repeated: a few lines of aliases of aliases can stand for gigabytes. */
const MOST_ALIASES = 64;

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
  const written = {
    value,
    nearest: (path: readonly PropertyKey[]) => nearestOffset(document, path),
    key: (parent: readonly PropertyKey[], key: string) => keyOffset(document, parent, key),
    said: (path: readonly PropertyKey[]) => path,
  };
  const problems = [
    ...(result.success ? [] : schemaProblems(result.error.issues, written)),
    ...meaninglessKeys(value).map(([path, message]) => problem(nearestOffset(document, path), path, message, null)),
  ];
  if (!result.success || problems.length > 0 || syntax.length > 0) throw fail([...syntax, ...problems]);
  return deepFreeze(result.data);
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
  const keys = parseOverride(override);
  return keys instanceof Error ? keys : { ...(value as object), ...keys };
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
