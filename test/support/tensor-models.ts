import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import type { DeclaredDim } from '../../server/onnx/graph.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';

/** Models without a task, small enough to know their answers by heart, as bytes of ONNX files. */

/** The element types of the protocol and of the model format. */
export const DATATYPES = {
  BOOL: DataType.BOOL,
  UINT8: DataType.UINT8,
  UINT16: DataType.UINT16,
  UINT32: DataType.UINT32,
  UINT64: DataType.UINT64,
  INT8: DataType.INT8,
  INT16: DataType.INT16,
  INT32: DataType.INT32,
  INT64: DataType.INT64,
  FP16: DataType.FLOAT16,
  FP32: DataType.FLOAT,
  FP64: DataType.DOUBLE,
  BF16: DataType.BFLOAT16,
  BYTES: DataType.STRING,
} as const;

/** `OUTPUT0` is `INPUT0`; the shape null: nothing is declared. */
export function identityModel(
  type: DataType = DataType.FLOAT,
  shape: readonly DeclaredDim[] | null = ['batch', 16],
  opset = 17,
): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'identity',
      nodes: [node('Identity', ['INPUT0'], ['OUTPUT0'])],
      inputs: [valueInfo('INPUT0', shape, type)],
      outputs: [valueInfo('OUTPUT0', shape, type)],
      opset,
    }),
  );
}

/** Sum and difference of two inputs, INT32 unless said otherwise; `outputs` are their names. */
export function addSubModel(
  shape: readonly DeclaredDim[] = ['batch', 16],
  type: DataType = DataType.INT32,
  [sum, difference] = ['OUTPUT0', 'OUTPUT1'],
): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'add_sub',
      nodes: [node('Add', ['INPUT0', 'INPUT1'], [sum]), node('Sub', ['INPUT0', 'INPUT1'], [difference])],
      inputs: ['INPUT0', 'INPUT1'].map((name) => valueInfo(name, shape, type)),
      outputs: ['OUTPUT0', 'OUTPUT1'].map((name) => valueInfo(name, shape, type)),
    }),
  );
}

/** The words of a table that a row of indices names; one beyond its four is an error of the run. */
export function gatherModel(): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'gather',
      nodes: [node('Gather', ['table', 'INPUT0'], ['OUTPUT0'], { axis: 0 })],
      initializers: [floatTensor('table', [4], Float32Array.from([10, 11, 12, 13]))],
      inputs: [valueInfo('INPUT0', ['batch', 'words'], DataType.INT64)],
      outputs: [valueInfo('OUTPUT0', ['batch', 'words'], DataType.FLOAT)],
    }),
  );
}

/** Tells in `OUTPUT0` how many rows the batch had that a row was in, which no row alone can know. */
export function batchSizeModel(): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'batch_size',
      nodes: [
        node('Shape', ['INPUT0'], ['shape']),
        node('Gather', ['shape', 'first'], ['rows'], { axis: 0 }),
        node('Mul', ['INPUT0', 'nothing'], ['none']),
        node('Add', ['none', 'rows'], ['OUTPUT0']),
      ],
      initializers: [int64Tensor('first', [0]), int64Tensor('nothing', [0])],
      inputs: [valueInfo('INPUT0', ['batch', 1], DataType.INT64)],
      outputs: [valueInfo('OUTPUT0', ['batch', 1], DataType.INT64)],
    }),
  );
}

/** A row for each element that is not zero, and its place in it: as many rows as there happen to be. */
export function nonZeroModel(): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'non_zero',
      nodes: [node('NonZero', ['INPUT0'], ['places']), node('Transpose', ['places'], ['OUTPUT0'])],
      inputs: [valueInfo('INPUT0', ['batch', 4], DataType.FLOAT)],
      outputs: [valueInfo('OUTPUT0', ['found', 2], DataType.INT64)],
    }),
  );
}

/** `INPUT0` plus one, of two elements a row, computed as FLOAT. */
export function castModel(type: DataType): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'cast',
      nodes: [
        node('Cast', ['INPUT0'], ['number'], { to: DataType.FLOAT }),
        node('Add', ['number', 'one'], ['next']),
        node('Cast', ['next'], ['OUTPUT0'], { to: type }),
      ],
      initializers: [floatTensor('one', [1], Float32Array.of(1))],
      inputs: [valueInfo('INPUT0', ['batch', 2], type)],
      outputs: [valueInfo('OUTPUT0', ['batch', 2], type)],
    }),
  );
}

/** Half of INT8, of two elements a row, as FLOAT. */
export function dequantizeModel(): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'dequantize',
      nodes: [node('DequantizeLinear', ['INPUT0', 'half'], ['OUTPUT0'])],
      initializers: [floatTensor('half', [], Float32Array.of(0.5))],
      inputs: [valueInfo('INPUT0', ['batch', 2], DataType.INT8)],
      outputs: [valueInfo('OUTPUT0', ['batch', 2], DataType.FLOAT)],
    }),
  );
}
