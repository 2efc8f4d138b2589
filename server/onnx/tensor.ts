import { TensorProto, TensorProto_DataType as DataType } from '../gen/onnx/onnx.js';

export { DataType };

/** Bytes of one element in `raw_data`, or null for types whose elements have no fixed size (STRING, unknown ones). */
export function elementSize(dataType: number): number | null {
  switch (dataType) {
    case DataType.BOOL:
    case DataType.INT8:
    case DataType.UINT8:
      return 1;
    case DataType.INT16:
    case DataType.UINT16:
    case DataType.FLOAT16:
    case DataType.BFLOAT16:
      return 2;
    case DataType.FLOAT:
    case DataType.INT32:
    case DataType.UINT32:
      return 4;
    case DataType.DOUBLE:
    case DataType.INT64:
    case DataType.UINT64:
    case DataType.COMPLEX64:
      return 8;
    case DataType.COMPLEX128:
      return 16;
    default:
      return null;
  }
}

/** The name of an element type as ONNX spells it, `FLOAT` for 1. */
export function dataTypeName(dataType: number): string {
  return DataType[dataType] ?? `type ${dataType}`;
}

export function dimsOf(tensor: TensorProto): number[] {
  return tensor.dims.map(Number);
}

export function elementCount(tensor: TensorProto): number {
  return dimsOf(tensor).reduce((product, dim) => product * dim, 1);
}

/** `[64, 3, 7, 7]`. */
export function shapeOfTensor(tensor: TensorProto): string {
  return `[${dimsOf(tensor).join(', ')}]`;
}

/** A float32 tensor whose `raw_data` is a view of `values` (row-major, in the machine's byte order: little-endian). */
export function floatTensor(name: string, dims: readonly number[], values: Float32Array): TensorProto {
  return TensorProto.fromPartial({
    name,
    dims: dims.map(BigInt),
    dataType: DataType.FLOAT,
    rawData: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  });
}

/** An int64 tensor; a vector unless `dims` says otherwise. Values are whole and within ±2^53. */
export function int64Tensor(
  name: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): TensorProto {
  const words = BigInt64Array.from(values, BigInt);
  return TensorProto.fromPartial({
    name,
    dims: dims.map(BigInt),
    dataType: DataType.INT64,
    rawData: new Uint8Array(words.buffer),
  });
}

/** What counts as small: shapes, scales and small grids do, weights do not. */
export const MOST_ELEMENTS = 4096;

/**
 * The elements of a small numeric tensor: INT64, INT32, INT8, UINT8, BOOL, FLOAT and DOUBLE, at most `limit` of them. Null
 * for anything else, and where the data is not as long as the dims say. An int64 beyond 2^53 ("to the end") loses its low
 * bits.
 */
export function numbersOf(tensor: TensorProto, limit = MOST_ELEMENTS): number[] | null {
  const count = elementCount(tensor);
  if (count > limit || tensor.externalData.length > 0) return null;
  const values = tensor.rawData.length > 0 ? rawNumbers(tensor) : typedNumbers(tensor);
  return values !== null && values.length === count ? values : null;
}

function rawNumbers(tensor: TensorProto): number[] | null {
  const { rawData: raw, dataType } = tensor;
  const size = elementSize(dataType);
  if (size === null || raw.length % size !== 0) return null;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const read = (element: (offset: number) => number) =>
    Array.from({ length: raw.length / size }, (_, index) => element(index * size));
  switch (dataType) {
    case DataType.INT64:
      return read((offset) => Number(view.getBigInt64(offset, true)));
    case DataType.INT32:
      return read((offset) => view.getInt32(offset, true));
    case DataType.INT8:
      return read((offset) => view.getInt8(offset));
    case DataType.UINT8:
    case DataType.BOOL:
      return read((offset) => view.getUint8(offset));
    case DataType.FLOAT:
      return read((offset) => view.getFloat32(offset, true));
    case DataType.DOUBLE:
      return read((offset) => view.getFloat64(offset, true));
    default:
      return null;
  }
}

function typedNumbers(tensor: TensorProto): number[] | null {
  switch (tensor.dataType) {
    case DataType.INT64:
      return tensor.int64Data.map(Number);
    case DataType.INT32:
    case DataType.INT8:
    case DataType.UINT8:
    case DataType.BOOL:
      return tensor.int32Data;
    case DataType.FLOAT:
      return tensor.floatData;
    case DataType.DOUBLE:
      return tensor.doubleData;
    default:
      return null;
  }
}

/** Whether the elements of a type are whole numbers, so that ONNX divides them without a remainder. */
export function isInteger(dataType: number): boolean {
  return dataType === DataType.INT64 || dataType === DataType.INT32;
}

/** A small tensor of a type that `numbersOf` reads; null where a number does not fit the type. */
export function tensorOf(
  name: string,
  numbers: readonly number[],
  dims: readonly number[],
  dataType: number,
): TensorProto | null {
  const size = elementSize(dataType);
  if (size === null) return null;
  const rawData = new Uint8Array(numbers.length * size);
  const view = new DataView(rawData.buffer);
  for (const [index, number] of numbers.entries()) {
    if (!writeNumber(view, index * size, number, dataType)) return null;
  }
  return TensorProto.fromPartial({ name, dims: dims.map(BigInt), dataType, rawData });
}

function writeNumber(view: DataView, offset: number, number: number, dataType: number): boolean {
  switch (dataType) {
    case DataType.FLOAT:
      view.setFloat32(offset, number, true);
      return true;
    case DataType.DOUBLE:
      view.setFloat64(offset, number, true);
      return true;
    case DataType.INT64:
      if (!Number.isSafeInteger(number)) return false;
      view.setBigInt64(offset, BigInt(number), true);
      return true;
    case DataType.INT32:
      if (Math.trunc(number) !== number || Math.abs(number) >= 2 ** 31) return false;
      view.setInt32(offset, number, true);
      return true;
    case DataType.BOOL:
      view.setUint8(offset, number === 0 ? 0 : 1);
      return true;
    default:
      return false;
  }
}
