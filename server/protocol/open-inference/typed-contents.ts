import { elementCount, invalid, writeElements, type Datatype } from '../../core/tensors.js';
import type { InferTensorContents } from '../../gen/inference/grpc_service.js';

type Field = keyof InferTensorContents;

interface Reader {
  /** Where values of the type are. */
  readonly field: Field;
  /** Bytes of the values; null: one does not fit the type. */
  readonly read: (contents: InferTensorContents) => Uint8Array | null;
}

const bytesOf = (array: { readonly buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(array.buffer);

/** Whole numbers into an array of their type, which would cut off what does not fit. */
function whole(
  field: 'intContents' | 'uintContents',
  Type: typeof Int8Array | typeof Uint8Array | typeof Int16Array | typeof Uint16Array,
): Reader {
  return {
    field,
    read: ({ [field]: values }) => {
      const array = Type.from(values);
      return values.every((value, index) => value === array[index]) ? bytesOf(array) : null;
    },
  };
}

const READERS: Readonly<Record<Datatype, Reader | null>> = {
  BOOL: { field: 'boolContents', read: ({ boolContents }) => Uint8Array.from(boolContents, Number) },
  UINT8: whole('uintContents', Uint8Array),
  UINT16: whole('uintContents', Uint16Array),
  UINT32: { field: 'uintContents', read: ({ uintContents }) => bytesOf(Uint32Array.from(uintContents)) },
  UINT64: { field: 'uint64Contents', read: ({ uint64Contents }) => bytesOf(BigUint64Array.from(uint64Contents)) },
  INT8: whole('intContents', Int8Array),
  INT16: whole('intContents', Int16Array),
  INT32: { field: 'intContents', read: ({ intContents }) => bytesOf(Int32Array.from(intContents)) },
  INT64: { field: 'int64Contents', read: ({ int64Contents }) => bytesOf(BigInt64Array.from(int64Contents)) },
  FP32: { field: 'fp32Contents', read: ({ fp32Contents }) => bytesOf(Float32Array.from(fp32Contents)) },
  FP64: { field: 'fp64Contents', read: ({ fp64Contents }) => bytesOf(Float64Array.from(fp64Contents)) },
  BYTES: { field: 'bytesContents', read: ({ bytesContents }) => writeElements(bytesContents) },
  // The protocol has no field for them.
  FP16: null,
  BF16: null,
};

/**
 * Values of an input that stand in the field of their type, as raw bytes. Throws INVALID_REQUEST where they are in
 * another field, do not fit the type, or are not as many as the shape says.
 */
export function rawContents(
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
  datatype: Datatype,
  contents: InferTensorContents,
): Uint8Array {
  const reader = READERS[datatype];
  if (reader === null) throw invalid(name, `is ${datatype}, which only raw_input_contents can hold`);
  let found = 0;
  for (const [field, values] of Object.entries(contents) as [Field, readonly unknown[]][]) {
    if (field === reader.field) found = values.length;
    else if (values.length > 0) {
      throw invalid(
        name,
        `is ${datatype} and has values in ${wireName(field)}; they belong in ${wireName(reader.field)}`,
      );
    }
  }
  const count = elementCount(name, shape);
  if (found !== count) {
    throw invalid(
      name,
      `has the shape [${shape.join(', ')}], ${count} elements, and ${found} values in ${wireName(reader.field)}`,
    );
  }
  const bytes = reader.read(contents);
  if (bytes === null) throw invalid(name, `has values that ${datatype} cannot hold`);
  return bytes;
}

/** `fp32Contents` as the protocol has it. */
function wireName(field: Field): string {
  return field.replace('Contents', '_contents');
}
