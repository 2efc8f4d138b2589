import { z } from 'zod';
import { formatListenAddress, parseListenAddress, type ListenAddress } from './listen-address.js';

/** How the text of a flag or variable becomes a value. */
export interface OptionType<T> {
  /** What stands for the value in the help: `HOST:PORT`. */
  readonly placeholder: string;
  /** What a good value is, as it continues "expected". */
  readonly expected: string;
  readonly schema: z.ZodType<T, string>;
  /** The value as it would be written on the command line. */
  format(value: T): string;
}

/** A type from a function that answers undefined to text it cannot use. */
export function optionType<T>(
  placeholder: string,
  expected: string,
  parse: (text: string) => T | undefined,
  format: (value: T) => string = String,
): OptionType<T> {
  const schema = z.string().transform((text, context) => {
    const value = parse(text.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `expected ${expected}, found ${JSON.stringify(text)}` });
    return z.NEVER;
  });
  return { placeholder, expected, schema, format };
}

export function directory(): OptionType<string> {
  return optionType('DIR', 'the path of a directory', (text) => (text === '' ? undefined : text));
}

/** The default is null: no file. */
export function file(): OptionType<string | null> {
  const parse = (text: string): string | undefined => (text === '' ? undefined : text);
  return optionType<string | null>('FILE', 'the path of a file', parse, (path) => path ?? 'none');
}

/** `none` is null. */
export function orNone<T>(type: OptionType<T>): OptionType<T | null> {
  return {
    placeholder: `${type.placeholder}|none`,
    expected: `${type.expected}; or none`,
    schema: z.union([z.literal('none').transform(() => null), type.schema]),
    format: (value) => (value === null ? 'none' : type.format(value)),
  };
}

export function listenAddress(): OptionType<ListenAddress> {
  const expected = 'HOST:PORT such as 127.0.0.1:8001, [::1]:8001 or 0.0.0.0:0 (port 0: a free one)';
  return optionType('HOST:PORT', expected, parseListenAddress, formatListenAddress);
}

export function integer(placeholder: string, least: number, most: number): OptionType<number> {
  return optionType(placeholder, `a whole number from ${least} to ${most}`, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    return value >= least && value <= most ? value : undefined;
  });
}

export function seconds(least: number, most: number): OptionType<number> {
  return optionType('SECONDS', `seconds from ${least} to ${most}, fractions allowed`, (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    return value >= least && value <= most ? value : undefined;
  });
}

export function fraction(): OptionType<number> {
  return optionType('FRACTION', 'a number from 0 to 1', (text) => {
    const value = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
    return value <= 1 ? value : undefined;
  });
}

/** Null: none. */
export function httpUrl(): OptionType<string | null> {
  return optionType<string | null>(
    'URL',
    'an http:// or https:// URL',
    (text) => (isHttpUrl(text) ? text : undefined),
    (value) => value ?? 'none',
  );
}

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}

export function boolean(): OptionType<boolean> {
  return optionType('true|false', 'true or false', (text) =>
    text === 'true' ? true : text === 'false' ? false : undefined,
  );
}

export function choice<const T extends string>(...choices: readonly T[]): OptionType<T> {
  return optionType(choices.join('|'), `one of ${choices.join(', ')}`, (text) =>
    choices.find((candidate) => candidate === text),
  );
}

/** The flag may be repeated; either source may hold several names between commas. */
export function names(placeholder: string): OptionType<readonly string[]> {
  return optionType<readonly string[]>(
    placeholder,
    'names between commas, none of them empty',
    (text) => {
      const list = text.split(',').map((name) => name.trim());
      return list.includes('') ? undefined : list;
    },
    (list) => list.join(','),
  );
}

/** As browsers write origins, or `*`; as `names`. */
export function origins(): OptionType<readonly string[]> {
  return optionType<readonly string[]>(
    'ORIGIN',
    'origins between commas, such as https://example.org or http://localhost:3000, without a path; or *',
    (text) => {
      const list = text.split(',').map((origin) => origin.trim());
      return list.every((origin) => origin === '*' || isOrigin(origin)) ? list : undefined;
    },
    (list) => list.join(','),
  );
}

function isOrigin(text: string): boolean {
  // A star within one would be taken for a name, and mean nothing.
  return !text.includes('*') && URL.canParse(text) && new URL(text).origin === text;
}

/** Some of `choices`, between commas or by repeating the flag; the default is null. */
export function someOf<const T extends string>(
  placeholder: string,
  choices: readonly T[],
): OptionType<readonly T[] | null> {
  return optionType<readonly T[] | null>(
    placeholder,
    `some of ${choices.join(', ')}, between commas`,
    (text) => {
      const chosen = text.split(',').map((name) => choices.find((choice) => choice === name.trim()));
      return chosen.every((name) => name !== undefined) ? chosen : undefined;
    },
    (chosen) => chosen?.join(',') ?? 'none',
  );
}
