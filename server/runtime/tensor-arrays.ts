import { elementBytes, invalid, readElements, writeElements, type Datatype } from '../core/tensors.js';

/** Values as ONNX Runtime takes and gives them; half precision as its bits. */
export type TensorArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly string[];

/** The names that ONNX Runtime has for element types, and the arrays that hold them. */
const ARRAYS = {
  BOOL: ['bool', Uint8Array],
  UINT8: ['uint8', Uint8Array],
  UINT16: ['uint16', Uint16Array],
  UINT32: ['uint32', Uint32Array],
  UINT64: ['uint64', BigUint64Array],
  INT8: ['int8', Int8Array],
  INT16: ['int16', Int16Array],
  INT32: ['int32', Int32Array],
  INT64: ['int64', BigInt64Array],
  FP16: ['float16', Uint16Array],
  FP32: ['float32', Float32Array],
  FP64: ['float64', Float64Array],
  // What is left of a float32 without its lower half: a model file is rewritten to take and give those.
  BF16: ['float32', Float32Array],
  BYTES: ['string', null],
} as const;

/** The name of a type in ONNX Runtime. */
export type ElementType = (typeof ARRAYS)[Datatype][0];

export function elementType(datatype: Datatype): ElementType {
  return ARRAYS[datatype][0];
}

/** The type that ONNX Runtime calls so; null: none that can be served. */
export function datatypeNamed(type: string): Datatype | null {
  const found = Object.entries(ARRAYS).find(([datatype, [name]]) => name === type && datatype !== 'BF16');
  return (found?.[0] as Datatype | undefined) ?? null;
}

/** The elements of well-formed data, as views where the type is the machine's. Throws INVALID_REQUEST that names `name`. */
export function toArray(name: string, datatype: Datatype, data: Uint8Array): TensorArray {
  if (datatype === 'BYTES') return toStrings(name, data);
  const count = data.length / elementBytes(datatype)!;
  if (datatype === 'BF16') {
    const bits = new Uint16Array(data.buffer, data.byteOffset, count);
    const floats = new Uint32Array(count);
    for (let index = 0; index < count; index++) floats[index] = bits[index]! << 16;
    return new Float32Array(floats.buffer);
  }
  return new ARRAYS[datatype][1](data.buffer as ArrayBuffer, data.byteOffset, count);
}

/** The data of an output. */
export function toData(datatype: Datatype, array: TensorArray): Uint8Array {
  if (!ArrayBuffer.isView(array)) return writeElements(array.map((text) => Buffer.from(text)));
  if (datatype === 'BF16') {
    const bits = new Uint32Array(array.buffer, array.byteOffset, array.length);
    const halves = new Uint16Array(array.length);
    for (let index = 0; index < halves.length; index++) halves[index] = bits[index]! >>> 16;
    return new Uint8Array(halves.buffer);
  }
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** ONNX Runtime is handed JavaScript's strings, which hold no other bytes, and reads them up to a zero. */
function toStrings(name: string, data: Uint8Array): string[] {
  return Array.from(readElements(data), (element, index) => {
    if (element.includes(0)) throw invalid(name, `has a zero byte in element ${index}; the model reads texts`);
    try {
      return UTF8.decode(element);
    } catch {
      throw invalid(name, `is not UTF-8 in element ${index}; the model reads texts`);
    }
  });
}
