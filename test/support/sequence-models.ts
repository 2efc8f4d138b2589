import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import type { DeclaredDim } from '../../server/onnx/graph.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';

/** Models with a memory that the server keeps, as bytes of ONNX files. */

/** `OUTPUT` is the sum of all that its sequence has sent, `STATE_OUT` too. With `START` 1 what was before counts nothing. */
export function accumulator({ start = true, batched = true } = {}): Uint8Array {
  const shape: readonly DeclaredDim[] = batched ? ['batch', 1] : [1];
  const before = start ? 'kept' : 'STATE_IN';
  const forget = [node('Sub', ['one', 'START'], ['keep']), node('Mul', ['STATE_IN', 'keep'], ['kept'])];
  return encodeModel(
    makeModel({
      name: 'accumulator',
      nodes: [
        ...(start ? forget : []),
        node('Add', [before, 'INPUT'], ['STATE_OUT']),
        node('Identity', ['STATE_OUT'], ['OUTPUT']),
      ],
      initializers: [floatTensor('one', [1], Float32Array.of(1))],
      inputs: ['INPUT', 'STATE_IN', ...(start ? ['START'] : [])].map((name) => valueInfo(name, shape, DataType.FLOAT)),
      outputs: ['OUTPUT', 'STATE_OUT'].map((name) => valueInfo(name, shape, DataType.FLOAT)),
    }),
  );
}

/** Of a state that grows: `OUTPUT` and `STATE_OUT` are all that its sequence has sent, one behind the other. */
export function collector(): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'collector',
      nodes: [
        node('Concat', ['STATE_IN', 'INPUT'], ['STATE_OUT'], { axis: 1 }),
        node('Identity', ['STATE_OUT'], ['OUTPUT']),
      ],
      inputs: [
        valueInfo('INPUT', ['batch', 1], DataType.FLOAT),
        valueInfo('STATE_IN', ['batch', 'so_far'], DataType.FLOAT),
      ],
      outputs: ['OUTPUT', 'STATE_OUT'].map((name) => valueInfo(name, ['batch', 'all'], DataType.FLOAT)),
    }),
  );
}

/**
 * Tells what it is given: `STARTED`, `ENDED` and `ID` are the controls of the row, and `READY_ROWS` and `ROWS` how many rows
 * of the batch have a request and how many there are.
 */
export function witness(): Uint8Array {
  return encodeModel(
    makeModel({
      name: 'witness',
      nodes: [
        node('Identity', ['START'], ['STARTED']),
        node('Identity', ['END'], ['ENDED']),
        node('Identity', ['CORRID'], ['ID']),
        node('Mul', ['INPUT', 'nothing'], ['none']),
        node('Cast', ['READY'], ['ready'], { to: DataType.INT64 }),
        node('ReduceSum', ['ready', 'first'], ['ready_rows'], { keepdims: 1 }),
        node('Add', ['none', 'ready_rows'], ['READY_ROWS']),
        node('Shape', ['INPUT'], ['shape']),
        node('Gather', ['shape', 'first'], ['rows'], { axis: 0 }),
        node('Add', ['none', 'rows'], ['ROWS']),
      ],
      initializers: [int64Tensor('first', [0]), int64Tensor('nothing', [0])],
      inputs: [
        valueInfo('INPUT', ['batch', 1], DataType.INT64),
        valueInfo('START', ['batch', 1], DataType.INT32),
        valueInfo('END', ['batch', 1], DataType.BOOL),
        valueInfo('READY', ['batch', 1], DataType.FLOAT),
        valueInfo('CORRID', ['batch', 1], DataType.UINT64),
      ],
      outputs: [
        valueInfo('STARTED', ['batch', 1], DataType.INT32),
        valueInfo('ENDED', ['batch', 1], DataType.BOOL),
        valueInfo('ID', ['batch', 1], DataType.UINT64),
        valueInfo('READY_ROWS', ['batch', 1], DataType.INT64),
        valueInfo('ROWS', ['batch', 1], DataType.INT64),
      ],
    }),
  );
}

const START = { name: 'START', control: [{ kind: 'CONTROL_SEQUENCE_START', fp32_false_true: [0, 1] }] };

/** `sequence_batching` of an accumulator, beside `keys`. */
export function accumulating(keys: object = {}, { start = true } = {}): object {
  return {
    task: 'tensors',
    max_batch_size: 4,
    instance_group: { count: 1 },
    sequence_batching: {
      max_sequence_idle_microseconds: 60_000_000,
      control_input: start ? [START] : [],
      state: [{ input_name: 'STATE_IN', output_name: 'STATE_OUT', data_type: 'TYPE_FP32', dims: [1] }],
      ...keys,
    },
  };
}

/** The configuration of a witness. */
export function witnessing(keys: object = {}): object {
  return {
    task: 'tensors',
    max_batch_size: 4,
    instance_group: { count: 1 },
    sequence_batching: {
      max_sequence_idle_microseconds: 60_000_000,
      control_input: [
        { name: 'START', control: [{ kind: 'CONTROL_SEQUENCE_START', int32_false_true: [5, 6] }] },
        { name: 'END', control: [{ kind: 'CONTROL_SEQUENCE_END', bool_false_true: [false, true] }] },
        { name: 'READY', control: [{ kind: 'CONTROL_SEQUENCE_READY', fp32_false_true: [0, 1] }] },
        { name: 'CORRID', control: [{ kind: 'CONTROL_SEQUENCE_CORRID', data_type: 'TYPE_UINT64' }] },
      ],
      ...keys,
    },
  };
}
