import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Asks a Python script of test/oracle what an operator should have answered. Requests and answers are plain values that
 * may hold typed arrays anywhere: a JSON header behind its length (32 bits, little endian), then the bytes of the arrays
 * (see wire.py).
 */
export function askOracle<Answer>(script: string, request: unknown): Answer {
  const python = join('.venv', 'bin', 'python');
  if (!existsSync(python)) throw new Error(`${python} is missing; run \`make test\`, which makes it`);
  const { status, signal, stdout, stderr, error } = spawnSync(python, [join('test', 'oracle', script)], {
    input: encode(request),
    maxBuffer: 2 ** 30,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${script} ended with ${status ?? signal}:\n${stderr.toString()}`);
  return decode(stdout) as Answer;
}

const ARRAYS = { uint8: Uint8Array, uint32: Uint32Array, float32: Float32Array, float64: Float64Array } as const;

type ArrayName = keyof typeof ARRAYS;

/** Stands for an array in the header. */
interface ArrayPlace {
  readonly array: ArrayName;
  /** In bytes from the end of the header. */
  readonly offset: number;
  readonly length: number;
}

function encode(value: unknown): Buffer {
  const chunks: Buffer[] = [];
  let offset = 0;
  const header = JSON.stringify(value, (_, item: unknown) => {
    const found = Object.entries(ARRAYS).find(([, type]) => item instanceof type);
    if (found === undefined) return item;
    const { buffer, byteOffset, byteLength, length } = item as Float64Array;
    const place = { array: found[0] as ArrayName, offset, length } satisfies ArrayPlace;
    chunks.push(Buffer.from(buffer, byteOffset, byteLength));
    offset += byteLength;
    return place;
  });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(header));
  return Buffer.concat([length, Buffer.from(header), ...chunks]);
}

function decode(message: Buffer): unknown {
  const start = 4 + message.readUInt32LE();
  return JSON.parse(message.toString('utf8', 4, start), (_, item: unknown) => {
    if (typeof item !== 'object' || item === null || !('array' in item)) return item;
    const place = item as ArrayPlace;
    const type = ARRAYS[place.array];
    const begin = start + place.offset;
    const bytes = Uint8Array.prototype.slice.call(message, begin, begin + place.length * type.BYTES_PER_ELEMENT);
    return new type(bytes.buffer, bytes.byteOffset, place.length);
  });
}
