import {
  elementCount,
  invalid,
  readElements,
  shapeText,
  writeElements,
  type Datatype,
  type Tensor,
} from '../../../core/tensors.js';

/** Numbers as JSON cannot write them, as protobuf's JSON has them. */
const NOT_FINITE: Readonly<Record<string, number>> = { NaN: NaN, Infinity: Infinity, '-Infinity': -Infinity };

interface Codec {
  /** The elements as bytes; null: one does not fit the type. */
  readonly read: (values: readonly unknown[]) => Uint8Array | null;
  /** The elements of a tensor, each as JSON. */
  readonly write: (data: Uint8Array) => readonly string[];
}

type Numbers =
  | typeof Int8Array
  | typeof Uint8Array
  | typeof Int16Array
  | typeof Uint16Array
  | typeof Int32Array
  | typeof Uint32Array
  | typeof Float32Array
  | typeof Float64Array;

const bytesOf = (array: { readonly buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(array.buffer);

/** The bytes where elements begin at a place that fits their type. */
const own = (data: Uint8Array): ArrayBuffer => new Uint8Array(data).buffer;

function whole(Type: Exclude<Numbers, typeof Float32Array | typeof Float64Array>): Codec {
  return {
    read: (values) => {
      const array = Type.from(values as number[]);
      return values.every((value, index) => value === array[index]) ? bytesOf(array) : null;
    },
    write: (data) => Array.from(new Type(own(data)), String),
  };
}

function wide(Type: typeof BigInt64Array | typeof BigUint64Array): Codec {
  return {
    read: (values) => {
      const array = new Type(values.length);
      for (const [index, value] of values.entries()) {
        if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return null;
        array[index] = BigInt(value as number);
        if (array[index] !== BigInt(value as number)) return null;
      }
      return bytesOf(array);
    },
    write: (data) => Array.from(new Type(own(data)), String),
  };
}

function floating(Type: typeof Float32Array | typeof Float64Array): Codec {
  return {
    read: (values) => {
      const array = new Type(values.length);
      for (const [index, value] of values.entries()) {
        if (typeof value === 'number' || typeof value === 'bigint') array[index] = Number(value);
        else if (typeof value === 'string' && Object.hasOwn(NOT_FINITE, value)) array[index] = NOT_FINITE[value]!;
        else return null;
        // What overflows the type would silently become infinite.
        if (!Number.isFinite(array[index]) && typeof value !== 'string') return null;
      }
      return bytesOf(array);
    },
    write: (data) =>
      Array.from(new Type(own(data)), (value) => {
        if (!Number.isFinite(value)) return `"${value}"`;
        return Object.is(value, -0) ? '-0' : String(value);
      }),
  };
}

const CODECS: Readonly<Record<Datatype, Codec | null>> = {
  BOOL: {
    read: (values) =>
      values.every((value) => typeof value === 'boolean') ? Uint8Array.from(values as boolean[], Number) : null,
    write: (data) => Array.from(data, (value) => (value === 0 ? 'false' : 'true')),
  },
  UINT8: whole(Uint8Array),
  UINT16: whole(Uint16Array),
  UINT32: whole(Uint32Array),
  UINT64: wide(BigUint64Array),
  INT8: whole(Int8Array),
  INT16: whole(Int16Array),
  INT32: whole(Int32Array),
  INT64: wide(BigInt64Array),
  FP32: floating(Float32Array),
  FP64: floating(Float64Array),
  BYTES: {
    read: (values) => {
      const texts = values.every((value) => typeof value === 'string') ? (values as readonly string[]) : null;
      return texts === null ? null : writeElements(texts.map((text) => Buffer.from(text)));
    },
    write: (data) => {
      const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
      return Array.from(readElements(data), (element) => JSON.stringify(decoder.decode(element)));
    },
  },
  // JSON has no word for them.
  FP16: null,
  BF16: null,
};

/**
 * The `data` of an input, flat or nested as its shape, as raw bytes. Throws INVALID_REQUEST where it is no such array, an
 * element does not fit the type, or there are not as many as the shape says.
 */
export function readData(
  { name, datatype, shape }: Pick<Tensor, 'name' | 'datatype' | 'shape'>,
  data: unknown,
): Uint8Array {
  const codec = CODECS[datatype];
  if (codec === null) throw invalid(name, `is ${datatype}, which JSON cannot hold; send it as binary data`);
  if (!Array.isArray(data)) throw invalid(name, 'needs data, an array, or binary_data_size in its parameters');
  const values: unknown[] = [];
  if (Array.isArray(data[0])) flatten(name, shape, data, 0, values);
  else for (const value of data) values.push(value);
  const count = elementCount(name, shape);
  if (values.length !== count) {
    throw invalid(name, `has the shape ${shapeText(shape)}, ${count} elements, and ${values.length} of them in data`);
  }
  const bytes = codec.read(values);
  if (bytes !== null) return bytes;
  throw invalid(name, `has elements in data that ${datatype} cannot hold`);
}

/** Depth is bounded by the shape. */
function flatten(name: string, shape: readonly number[], data: readonly unknown[], axis: number, to: unknown[]): void {
  if (data.length !== shape[axis]) {
    throw invalid(name, `has the shape ${shapeText(shape)}, and data that is nested otherwise`);
  }
  const last = axis === shape.length - 1;
  for (const part of data) {
    if (Array.isArray(part) === last) {
      throw invalid(name, `has the shape ${shapeText(shape)}, and data that is nested otherwise`);
    }
    if (last) to.push(part);
    else flatten(name, shape, part as readonly unknown[], axis + 1, to);
  }
}

/** The `data` of an output, flat, as JSON. Throws INVALID_REQUEST where JSON cannot hold it. */
export function dataText(name: string, datatype: string, data: Uint8Array): string {
  const codec = CODECS[datatype as Datatype];
  if (codec === null) throw invalid(name, `is ${datatype}, which JSON cannot hold; ask for it with binary_data true`);
  try {
    return `[${codec.write(data).join(',')}]`;
  } catch (cause) {
    if (datatype !== 'BYTES') throw cause;
    throw invalid(name, 'has elements that are not UTF-8; ask for it with binary_data true');
  }
}
