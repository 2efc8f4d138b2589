import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** A source file: its path relative to server/, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Reads every TypeScript file below `directory`, except what is generated. */
export async function readSources(directory: string): Promise<Source[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('gen/'))
    .sort();
  return Promise.all(paths.map(async (path) => ({ path, text: await readFile(join(directory, path), 'utf8') })));
}

/** The text without its comments: they may speak of anything. */
export function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, '').replace(/(?<![:'"`\\])\/\/.*/g, '');
}

const STATEMENT = /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm;
const BARE = /^\s*import\s*['"]([^'"]+)['"]/gm;
const CALL = /\b(?:import|require|require\.resolve|import\.meta\.resolve)\s*\(\s*['"`]([^'"`]+)['"`]/g;

/** What a file imports, in whatever form. */
export function specifiers({ text }: Source): string[] {
  const code = withoutComments(text);
  return [STATEMENT, BARE, CALL].flatMap((form) => [...code.matchAll(form)].map((match) => match[1] ?? ''));
}

/** The file of server/ that a relative specifier means; what lies outside begins with `../`. */
export function resolve(from: Source, specifier: string): string {
  const steps = from.path.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..' && steps.length > 0 && steps.at(-1) !== '..') steps.pop();
    else if (step !== '.') steps.push(step);
  }
  return steps.join('/').replace(/\.js$/, '.ts');
}

/** The files of server/ and beside it that a file imports. */
export function importedFiles(source: Source): string[] {
  return specifiers(source)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => resolve(source, specifier));
}

/** The packages that a file imports. */
export function importedPackages(source: Source): string[] {
  return specifiers(source).filter((specifier) => !specifier.startsWith('.'));
}
