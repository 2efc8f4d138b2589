import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelMetadataResponse, Tensor } from '../../../clients/typescript/kserve-client.js';
import { UsageError } from '../../config/server-options.js';

type InputMetadata = ModelMetadataResponse['inputs'][number];

/** Where the inputs of a model served as tensors come from. */
export interface InputRules {
  /** Shapes by input, for those that the model leaves open. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** `random`, `zero`, or a directory with a file of raw elements for each input, named as it. */
  readonly data: string;
  /** Files of pictures, each one request; for a model whose only input is one of BYTES. */
  readonly pictures: readonly Uint8Array[];
}

/** Bytes of an element; BYTES has none of its own. */
const SIZES: Readonly<Record<string, number>> = {
  BOOL: 1,
  INT8: 1,
  UINT8: 1,
  INT16: 2,
  UINT16: 2,
  FP16: 2,
  BF16: 2,
  INT32: 4,
  UINT32: 4,
  FP32: 4,
  INT64: 8,
  UINT64: 8,
  FP64: 8,
};

const RANDOM_LETTERS = 8;

/** The inputs of the requests to send in turn. Throws UsageError where the rules do not fit the model. */
export async function makeInputs(inputs: readonly InputMetadata[], rules: InputRules): Promise<Tensor[][]> {
  const strange = [...rules.shapes.keys()].find((name) => !inputs.some((input) => input.name === name));
  if (strange !== undefined) {
    throw new UsageError(
      `--shape: the model has no input ${strange}, but ${inputs.map(({ name }) => name).join(', ')}`,
    );
  }
  const tensors = inputs.map(({ name, datatype, shape }) => ({
    name,
    datatype,
    shape: shapeOf(name, shape.map(Number), rules.shapes.get(name)),
  }));
  if (rules.pictures.length === 0) {
    return [await Promise.all(tensors.map(async (tensor) => ({ ...tensor, data: await dataOf(tensor, rules.data) })))];
  }
  const [input, ...others] = tensors;
  if (input?.datatype !== 'BYTES' || others.length > 0 || elements(input.shape) !== 1) {
    throw new UsageError('pictures can be sent only to a model whose one input is one element of BYTES');
  }
  return rules.pictures.map((picture) => [{ ...input, data: bytesElement(picture) }]);
}

/** The sides to send: the batch, a first side that is open, is 1. */
function shapeOf(name: string, declared: readonly number[], asked: readonly number[] | undefined): readonly number[] {
  const shape = asked ?? declared.map((side, axis) => (side < 0 && axis === 0 ? 1 : side));
  const fits = shape.length === declared.length && shape.every((side, axis) => [side, -1].includes(declared[axis]!));
  if (asked !== undefined && !fits) throw new UsageError(`--shape: ${name} is [${declared.join(', ')}]`);
  if (shape.some((side) => side < 0)) {
    throw new UsageError(`${name} is [${declared.join(', ')}]: tell its sides by --shape ${name}:...`);
  }
  return shape;
}

async function dataOf(tensor: Omit<Tensor, 'data'>, source: string): Promise<Uint8Array> {
  const count = elements(tensor.shape);
  if (tensor.datatype !== 'BYTES' && SIZES[tensor.datatype] === undefined) {
    throw new UsageError(`${tensor.name} has elements of ${tensor.datatype}, which are not known here`);
  }
  if (source === 'zero') return zeros(tensor.datatype, count);
  if (source === 'random') return random(tensor.datatype, count);
  const data = await readFile(join(source, tensor.name));
  const size = SIZES[tensor.datatype];
  if (size !== undefined && data.length !== count * size) {
    const wanted = `${count * size} bytes of ${tensor.datatype} [${tensor.shape.join(', ')}]`;
    throw new UsageError(`${join(source, tensor.name)} has ${data.length} bytes instead of ${wanted}`);
  }
  return data;
}

function zeros(datatype: string, count: number): Uint8Array {
  return new Uint8Array(count * (SIZES[datatype] ?? 4));
}

/** Floats from 0 to 1, whole numbers from 0 to 127, texts of some letters. */
function random(datatype: string, count: number): Uint8Array {
  const below = (limit: number): number => Math.floor(Math.random() * limit);
  if (datatype === 'BYTES') {
    const letters = (): Buffer => Buffer.from(Array.from({ length: RANDOM_LETTERS }, () => 97 + below(26)));
    return Buffer.concat(Array.from({ length: count }, () => bytesElement(letters())));
  }
  const values = arrayOf(datatype, count);
  if (values instanceof BigInt64Array) return bytesOf(values.map(() => BigInt(below(128))));
  if (datatype === 'BOOL') return bytesOf(values.map(() => below(2)));
  // The bits of numbers from 0.5 to 1, which need no conversion.
  if (datatype === 'FP16') return bytesOf(values.map(() => 0x3800 + below(1 << 10)));
  if (datatype === 'BF16') return bytesOf(values.map(() => 0x3f00 + below(1 << 7)));
  return bytesOf(values.map(() => (datatype.startsWith('FP') ? Math.random() : below(128))));
}

function arrayOf(datatype: string, count: number) {
  if (datatype === 'FP32') return new Float32Array(count);
  if (datatype === 'FP64') return new Float64Array(count);
  if (SIZES[datatype] === 8) return new BigInt64Array(count);
  if (SIZES[datatype] === 4) return new Int32Array(count);
  return SIZES[datatype] === 2 ? new Uint16Array(count) : new Uint8Array(count);
}

function bytesOf(values: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function bytesElement(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
