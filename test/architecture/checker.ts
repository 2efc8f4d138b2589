import { EXCEPTIONS, MAY_IMPORT, PACKAGE_DOORS, WORD_DOORS, type Door } from './rules.js';
import { importedFiles, importedPackages, withoutComments, type Source } from './source.js';

/** Imports of another part of the server that the table does not allow. */
export function forbiddenImports(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const part = partOf(source.path);
    const allowed = MAY_IMPORT[part];
    if (allowed === undefined) return [`${source.path}: ${part} is in no table; say in rules.ts what it may import`];
    const exceptions = EXCEPTIONS[withoutEnding(source.path)] ?? [];
    return importedFiles(source)
      .filter((file) => partOf(file) !== part)
      .filter((file) => ![...allowed, ...exceptions].some((prefix) => lies(file, prefix)))
      .map((file) => `${source.path} imports ${file}`);
  });
}

/** Uses of the outside world away from their door. */
export function wrongDoors(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => {
    const packages = importedPackages(source);
    const code = withoutComments(source.text);
    return [
      ...PACKAGE_DOORS.filter((door) => packages.some((name) => door.packages.test(name)) && shut(door, source)),
      ...WORD_DOORS.filter(
        (door) => source.path.startsWith(door.within ?? '') && door.words.test(code) && shut(door, source),
      ),
    ].map((door) => `${source.path} uses ${door.what}; only ${door.only.join(', ') || 'nobody'} may`);
  });
}

/** Cycles of imports, each once, as `a -> b -> a`. */
export function cycles(sources: readonly Source[]): string[] {
  const imports = new Map(sources.map((source) => [source.path, importedFiles(source)]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      found.push([...trail.slice(start), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return found;
}

/** Imports of files that are not there. */
export function danglingImports(sources: readonly Source[]): string[] {
  const known = new Set(sources.map(({ path }) => path));
  return sources.flatMap((source) =>
    importedFiles(source)
      .filter((file) => !file.startsWith('gen/') && !file.startsWith('../') && !known.has(file))
      .map((file) => `${source.path} imports ${file}`),
  );
}

/** Files with more than `most` lines. */
export function longFiles(sources: readonly Source[], most: number): string[] {
  return sources
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > most)
    .map(({ path, lines }) => `${path} has ${lines} lines`);
}

/** The folder of server/ that a file lies in, or the file itself. */
function partOf(path: string): string {
  return withoutEnding(path.split('/')[0] ?? path);
}

function withoutEnding(path: string): string {
  return path.replace(/\.ts$/, '');
}

/** Whether `file` is `prefix`, or lies below it. */
function lies(file: string, prefix: string): boolean {
  return withoutEnding(file) === prefix || file.startsWith(`${prefix}/`);
}

function shut(door: Door, { path }: Source): boolean {
  return !door.only.some((open) => (open.endsWith('/') ? path.startsWith(open) : path === open));
}
