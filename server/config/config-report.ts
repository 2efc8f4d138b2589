import { ServingError } from '../core/errors.js';

/** Something wrong in a config.yaml. */
export interface ConfigProblem {
  /** Place in the text; the first character is 0. */
  readonly offset: number;
  /** Such as `instance_group.count` or `preprocess.std[0]`; empty: the file as a whole. */
  readonly path: string;
  /** What is wrong, with what was expected and found. */
  readonly message: string;
  /** What to write instead. */
  readonly hint: string | null;
}

/** A file with more problems is not meant to be a config.yaml. */
const MOST_LISTED = 50;

/** The error that lists the problems in the order of the file, one a line: `file:line:column: path: message (hint)`. */
export function configError(
  file: string,
  problems: readonly ConfigProblem[],
  position: (offset: number) => { line: number; col: number },
): ServingError {
  const sorted = [...problems].sort((a, b) => a.offset - b.offset);
  const lines = sorted.slice(0, MOST_LISTED).map(({ offset, path, message, hint }) => {
    const { line, col } = position(offset);
    const at = path === '' ? '' : `${path}: `;
    return `  ${file}:${line}:${col}: ${at}${message}${hint === null ? '' : ` (${hint})`}`;
  });
  if (sorted.length > MOST_LISTED) lines.push(`  and ${sorted.length - MOST_LISTED} more`);
  const count = sorted.length === 1 ? 'a problem' : `${sorted.length} problems`;
  return new ServingError('CONFIG_INVALID', `${file} has ${count}:\n${lines.join('\n')}`);
}

/** `['preprocess', 'std', 0]` as `preprocess.std[0]`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');
}

/** A value as it follows "found". */
export function describeFound(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (typeof value === 'string')
    return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
