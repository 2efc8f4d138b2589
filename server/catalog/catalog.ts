import { isMap, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { CatalogError } from './catalog-error.js';
import { RECIPE_NAMES } from './recipes/recipe.js';

const sha256 = (of: string) =>
  z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
    .describe(`SHA-256 of ${of}.`);

const checks = {
  archive_sha256: sha256('what is downloaded').optional(),
  file_sha256: sha256('the file inside it').optional(),
};
const file = z.string().min(1).describe('Path of the file inside the archive, exactly as the archive names it.');
const version = z.string().regex(/^[0-9A-Za-z.+!_-]+$/, 'must be one exact version');

const pypiSource = z.strictObject({
  type: z.literal('pypi'),
  package: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'must be the name of a package'),
  version,
  file,
  wheel: z
    .strictObject({
      python_version: z.string().regex(/^3(\.\d+)?$/),
      platform: z.string().regex(/^[a-z0-9_]+$/),
      implementation: z.string().regex(/^[a-z]+$/),
    })
    .optional()
    .describe('Which of several wheels, for packages with compiled parts: the same one on every machine.'),
  ...checks,
});

const npmSource = z.strictObject({
  type: z.literal('npm'),
  package: z.string().regex(/^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/, 'must be the name of a package'),
  version,
  file,
  ...checks,
});

const urlSource = z.strictObject({
  type: z.literal('url'),
  url: z.url({ protocol: /^https?$/ }),
  file: file.optional().describe('Path inside the archive; left out when the address is that of the file itself.'),
  ...checks,
});

const sourceSchema = z
  .discriminatedUnion('type', [pypiSource, npmSource, urlSource])
  .refine(({ archive_sha256, file_sha256 }) => archive_sha256 !== undefined || file_sha256 !== undefined, {
    message: 'needs archive_sha256 or file_sha256 (or both): what is not checked is not fetched',
  });

const PATH_PART = /^[A-Za-z0-9._-]+$/;

const entrySchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must start with a letter or digit and have no spaces'),
  role: z.enum(['model', 'sample']).default('model').describe('sample: a picture for demonstrations and tests.'),
  target: z
    .string()
    .refine((path) => path.split('/').every((part) => PATH_PART.test(part) && part !== '.' && part !== '..'), {
      message: 'must be a path inside the model repository, without .. and written with /',
    })
    .describe('Where the file goes, below the model repository.'),
  source: sourceSchema,
  recipe: z.enum(RECIPE_NAMES).optional().describe('How the file is converted before it is written.'),
  licence: z.string().min(1).describe('Licence of the file, as its origin states it.'),
  origin: z.url().describe('Where the file comes from, for people.'),
});

const catalogSchema = z.strictObject({ entries: z.array(entrySchema) }).superRefine(({ entries }, context) => {
  for (const key of ['name', 'target'] as const) {
    entries.forEach((entry, index) => {
      if (entries.findIndex((other) => other[key] === entry[key]) < index) {
        context.addIssue({ code: 'custom', path: ['entries', index, key], message: `'${entry[key]}' is there twice` });
      }
    });
  }
});

export type Source = z.output<typeof sourceSchema>;
export type CatalogEntry = z.output<typeof entrySchema>;
export type PypiSource = z.output<typeof pypiSource>;
export type NpmSource = z.output<typeof npmSource>;
export type UrlSource = z.output<typeof urlSource>;

/** Reads the text of a catalogue. Throws CatalogError with all its problems, each with `path` and its place in it. */
export function parseCatalog(text: string, path: string): CatalogEntry[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const syntax = document.errors.map(({ message }) => message.split('\n')[0] ?? message);
  if (syntax.length > 0) throw problems(path, syntax);
  if (!isMap(document.contents)) throw problems(path, ['must be a map with the key `entries`']);
  const result = catalogSchema.safeParse(document.toJS());
  if (result.success) return result.data.entries;
  throw problems(
    path,
    result.error.issues.map((issue) => `${placeOf(issue.path)}: ${issue.message}`),
  );
}

/** `entries[1].source.file`. */
function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

function problems(path: string, lines: readonly string[]): CatalogError {
  return new CatalogError(lines.map((line) => `${path}: ${line}`).join('\n'));
}
