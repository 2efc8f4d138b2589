import { quoted, ServingError } from './errors.js';

/** Bytes of one element; of BYTES, whose elements have lengths of their own, those of the length in front of each. */
const ELEMENT_BYTES = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BF16: 2,
  BYTES: 4,
} as const;

/** Element types, as the open inference protocol names them. */
export type Datatype = keyof typeof ELEMENT_BYTES;

/** Values of one input or output. */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Row-major; empty: a scalar. */
  readonly shape: readonly number[];
  /** Little-endian elements; of BYTES, each behind its length in 4 bytes. Of a request it aliases the received message. */
  readonly data: Uint8Array;
}

/** An input or output of a model. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  /** With the batch dimension, where there is one; -1: open. Null: even the number of dims is. */
  readonly shape: readonly number[] | null;
}

/** The tensors of a model. */
export interface TensorSignature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Whether the first dim of every input and output is the batch. */
  readonly batched: boolean;
}

/** Null where there is no such type. */
export function datatypeOf(name: string): Datatype | null {
  return Object.hasOwn(ELEMENT_BYTES, name) ? (name as Datatype) : null;
}

/** Bytes of one element; null: elements have lengths of their own. */
export function elementBytes(datatype: Datatype): number | null {
  return datatype === 'BYTES' ? null : ELEMENT_BYTES[datatype];
}

/** To what multiple of bytes a machine wants elements of the type to be laid. */
export function alignmentOf(datatype: Datatype): number {
  return datatype === 'BYTES' ? 1 : ELEMENT_BYTES[datatype];
}

/** `[2, 3, -1]`. */
export function shapeText(shape: readonly number[] | null): string {
  return shape === null ? '(any)' : `[${shape.join(', ')}]`;
}

/** How many elements a shape has. Throws INVALID_REQUEST where a dim is negative or the number cannot be counted. */
export function elementCount(name: string, shape: readonly number[]): number {
  let count = 1;
  for (const dim of shape) {
    if (!(Number.isSafeInteger(dim) && dim >= 0))
      throw invalid(name, `has the shape ${shapeText(shape)}: no dim may be under 0`);
    count *= dim;
    // Checked at each step: a later dim of 0 must not hide what cannot be counted.
    if (count > Number.MAX_SAFE_INTEGER)
      throw invalid(name, `has the shape ${shapeText(shape)}, more elements than there can be`);
  }
  return count;
}

/** Throws INVALID_REQUEST unless the data has as many elements as the shape says. */
export function requireData({ name, datatype, shape, data }: Tensor): void {
  const count = elementCount(name, shape);
  const size = elementBytes(datatype);
  if (size === null) {
    const found = countElements(data);
    if (found === null)
      throw invalid(name, 'is BYTES, and its data ends inside an element: each has its length in 4 bytes in front');
    if (found !== count)
      throw invalid(name, `has the shape ${shapeText(shape)}, ${count} elements, and ${found} elements of data`);
  } else if (data.length !== count * size) {
    throw invalid(
      name,
      `is ${datatype} ${shapeText(shape)}, ${count * size} bytes, and has ${data.length} bytes of data`,
    );
  }
}

/** What is wrong with an input, by its name. */
export function invalid(name: string, what: string): ServingError {
  return new ServingError('INVALID_REQUEST', `tensor ${quoted(name)} ${what}`);
}

/** The elements of BYTES; null where the data ends inside one. */
function countElements(data: Uint8Array): number | null {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let count = 0;
  let at = 0;
  while (at + 4 <= data.length) {
    at += 4 + view.getUint32(at, true);
    count += 1;
  }
  return at === data.length ? count : null;
}

/** The elements of BYTES that `requireData` has found to be whole, as views. */
export function* readElements(data: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < data.length;) {
    const start = at + 4;
    at = start + view.getUint32(at, true);
    yield data.subarray(start, at);
  }
}

/** The data of a tensor of BYTES. */
export function writeElements(elements: readonly Uint8Array[]): Uint8Array {
  const data = new Uint8Array(elements.reduce((sum, element) => sum + 4 + element.length, 0));
  const view = new DataView(data.buffer);
  let at = 0;
  for (const element of elements) {
    view.setUint32(at, element.length, true);
    data.set(element, at + 4);
    at += 4 + element.length;
  }
  return data;
}

/** A tensor of a batch in parts of so many rows, as views; rows beyond those, which only fill a batch up, are left out. */
export function splitRows(tensor: Tensor, rows: readonly number[]): Tensor[] {
  const { shape, data } = tensor;
  const [all = 1, ...rest] = shape;
  if (rows.length === 1 && rows[0] === all) return [tensor];
  const each = rest.reduce((product, dim) => product * dim, 1);
  const size = elementBytes(tensor.datatype);
  const ends = size === null ? elementEnds(data, each) : null;
  let row = 0;
  const endOf = (last: number) => (last === 0 ? 0 : size === null ? ends![last - 1]! : last * each * size);
  return rows.map((count) => {
    const start = endOf(row);
    row += count;
    return { ...tensor, shape: [count, ...rest], data: data.subarray(start, endOf(row)) };
  });
}

/** Where each row of BYTES ends, in bytes. */
function elementEnds(data: Uint8Array, each: number): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const ends: number[] = [];
  for (let at = 0, count = 1; at < data.length; count++) {
    at += 4 + view.getUint32(at, true);
    if (count % each === 0) ends.push(at);
  }
  return ends;
}
