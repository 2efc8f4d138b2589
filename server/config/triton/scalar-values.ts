import type { EnumType, ScalarType } from './field-type.js';
import type { TextValue } from './text-format.js';

/** What a value means where a field of the type is written. Null: it is none of that type. */
export function scalarOf(type: ScalarType | EnumType, value: TextValue): string | number | boolean | null {
  if (type === 'string') return value.kind === 'string' ? value.text : null;
  if (value.kind !== 'word') return null;
  const { text } = value;
  if (typeof type !== 'string') return enumName(type, text);
  if (type === 'bool') return TRUTHS.get(text) ?? null;
  if (type === 'float' || type === 'double') return floatOf(text);
  return integerOf(text, RANGES[type]);
}

/** What a good value is, as it continues "expected". */
export function describeType(type: ScalarType | EnumType): string {
  if (typeof type !== 'string') return `one of ${type.names.join(', ')}`;
  switch (type) {
    case 'string':
      return 'a text in quotes';
    case 'bool':
      return 'true or false';
    case 'float':
    case 'double':
      return 'a number';
    default:
      return `a whole number from ${RANGES[type].least} to ${RANGES[type].most}`;
  }
}

const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'True', 't', '1'].map((word) => [word, true] as const),
  ...['false', 'False', 'f', '0'].map((word) => [word, false] as const),
]);

interface Range {
  readonly least: bigint;
  readonly most: bigint;
}

const RANGES: Readonly<Record<'int32' | 'int64' | 'uint32' | 'uint64', Range>> = {
  int32: { least: -(2n ** 31n), most: 2n ** 31n - 1n },
  int64: { least: -(2n ** 63n), most: 2n ** 63n - 1n },
  uint32: { least: 0n, most: 2n ** 32n - 1n },
  uint64: { least: 0n, most: 2n ** 64n - 1n },
};

/** Beyond 2^53 the nearest number that there is: nothing that is so large needs to be exact. */
function integerOf(text: string, { least, most }: Range): number | null {
  const [, sign, digits = ''] = /^(-?)(0|[1-9]\d*|0[0-7]+|0[xX][0-9a-fA-F]+)$/.exec(text) ?? [];
  if (sign === undefined) return null;
  const size = BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = sign === '-' ? -size : size;
  return value >= least && value <= most ? Number(value) : null;
}

function floatOf(text: string): number | null {
  const [, sign, word = ''] = /^(-?)(inf|infinity|nan)f?$/i.exec(text) ?? [];
  if (sign !== undefined) return word.toLowerCase() === 'nan' ? NaN : sign === '-' ? -Infinity : Infinity;
  if (!/^-?((0|[1-9]\d*)(\.\d*)?|\.\d+|\d+\.\d*)([eE][+-]?\d+)?[fF]?$/.test(text)) return null;
  return Number(text.replace(/[fF]$/, ''));
}

/** A number may stand for the name. */
function enumName({ names }: EnumType, text: string): string | null {
  if (names.includes(text)) return text;
  const number = integerOf(text, RANGES.int32);
  return number === null ? null : (names[number] ?? null);
}
