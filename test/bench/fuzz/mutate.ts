import type { Random } from '../../support/random.js';
import { readFields, writeFields, writeVarint, type WireField, type WireValue } from './wire-fields.js';

/** Where counting goes wrong: ends of the whole numbers of all sizes, -1 and what is just beyond. */
const NUMBERS: readonly bigint[] = [
  0n,
  1n,
  2n,
  255n,
  65_536n,
  -1n,
  -2n,
  1n << 30n,
  1n << 62n,
  ...[31n, 32n, 52n, 53n, 63n].flatMap((bits) => [(1n << bits) - 1n, 1n << bits, -(1n << bits)]),
];

const FIXED: readonly number[] = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e-45, 3.4e38, 1.7e308];

/** One to three random changes of a valid message, most of which leave a message that can be read. */
export function mutate(message: Uint8Array, random: Random): Buffer {
  let bytes: Uint8Array = message;
  for (let left = random.int(1, 3); left > 0; left--) {
    bytes = random.chance(0.75) ? mutateFields(bytes, random, 6) : mutateBytes(bytes, random);
  }
  return Buffer.from(bytes);
}

/** A change that knows of fields; the lengths around it are right again afterwards. */
function mutateFields(bytes: Uint8Array, random: Random, depth: number): Buffer {
  const fields = readFields(bytes);
  if (fields === null || fields.length === 0) return mutateBytes(bytes, random);
  const at = random.int(0, fields.length - 1);
  const field = fields[at]!;
  const inner = field.value.wire === 2 ? readFields(field.value.bytes) : null;
  if (field.value.wire === 2 && inner !== null && inner.length > 0 && depth > 0 && random.chance(0.7)) {
    const value = { wire: 2, bytes: mutateFields(field.value.bytes, random, depth - 1) } as const;
    return writeFields(fields.with(at, { ...field, value }));
  }
  return writeFields(changed(fields, at, random));
}

function changed(fields: readonly WireField[], at: number, random: Random): WireField[] {
  const field = fields[at]!;
  switch (random.int(0, 6)) {
    case 0:
      return fields.toSpliced(at, 1);
    case 1:
      return fields.toSpliced(at, 0, ...Array<WireField>(random.chance(0.1) ? 300 : 1).fill(field));
    case 2:
      return fields.with(at, { ...field, number: random.int(1, 20) });
    case 3:
      return fields.toReversed();
    case 4:
      return fields.with(at, { ...field, value: randomValue(random) });
    default:
      return fields.with(at, { ...field, value: changedValue(field.value, random) });
  }
}

function changedValue(value: WireValue, random: Random): WireValue {
  if (value.wire === 0) return { wire: 0, varint: random.pick(NUMBERS)! };
  if (value.wire === 2) return { wire: 2, bytes: changedBytes(value.bytes, random) };
  const fixed = Buffer.alloc(8);
  const number = random.pick(FIXED)!;
  if (value.wire === 1) fixed.writeDoubleLE(number);
  else fixed.writeFloatLE(number);
  return { wire: value.wire, fixed: fixed.subarray(0, value.fixed.length) };
}

/** What may be a text, a tensor, a picture or numbers one after the other. */
function changedBytes(bytes: Uint8Array, random: Random): Uint8Array {
  switch (random.int(0, 5)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return bytes.subarray(0, random.int(0, bytes.length));
    case 2:
      return Buffer.concat([bytes, noise(random, random.int(1, 64))]);
    case 3:
      return Buffer.from(random.pick(TEXTS)!);
    case 4:
      return Buffer.concat(Array.from({ length: random.int(1, 8) }, () => writeVarint(random.pick(NUMBERS)!)));
    default:
      return mutateBytes(bytes, random);
  }
}

const TEXTS: readonly string[] = [
  ...'.. ../../etc/passwd / __proto__ constructor -1 NaN %s%n'.split(' '),
  '\0',
  '\uFEFF',
  'a\r\nb: c',
  '😀'.repeat(1500),
  'x'.repeat(20_000),
  '{"a":'.repeat(2000),
  '{"\\ud800": 1}',
];

function randomValue(random: Random): WireValue {
  switch (random.int(0, 3)) {
    case 0:
      return { wire: 0, varint: random.pick(NUMBERS)! };
    case 1:
      return { wire: 1, fixed: noise(random, 8) };
    case 2:
      return { wire: 5, fixed: noise(random, 4) };
    default:
      return { wire: 2, bytes: noise(random, random.int(0, 40)) };
  }
}

/** A change that knows nothing. */
function mutateBytes(bytes: Uint8Array, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.int(0, Math.max(0, copy.length - 1));
  switch (random.int(0, 4)) {
    case 0:
      return copy.subarray(0, at);
    case 1:
      return Buffer.concat([copy.subarray(0, at), noise(random, random.int(1, 16)), copy.subarray(at)]);
    case 2:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + random.int(1, 16))]);
    case 3:
      // Groups in groups, which no message of ours has.
      return Buffer.concat([copy, Buffer.alloc(random.chance(0.2) ? 50_000 : 50, 0x7b)]);
    default:
      if (copy.length > 0) copy[at] = copy[at]! ^ (1 << random.int(0, 7));
      return copy;
  }
}

export function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(0, 255)));
}
