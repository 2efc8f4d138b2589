import type { TensorProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { encodeModel } from '../../server/onnx/model-file.js';
import { DataType, floatTensor, int64Tensor } from '../../server/onnx/tensor.js';

/** An output that is the same for every picture. */
export interface ConstantOutput {
  readonly name: string;
  /** Of one picture, row-major. */
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** @default DataType.FLOAT */
  readonly type?: number;
}

/** A model that answers every picture of a batch with these outputs, whatever it shows. */
export function constantModel(width: number, height: number, outputs: readonly ConstantOutput[]): Uint8Array {
  const nodes = [
    node('GlobalAveragePool', ['input'], ['means']),
    node('Flatten', ['means'], ['flat']),
    node('MatMul', ['flat', 'nothing'], ['none']),
  ];
  const initializers: TensorProto[] = [floatTensor('nothing', [3, 1], new Float32Array(3))];
  for (const { name, shape, values, type = DataType.FLOAT } of outputs) {
    const length = shape.reduce((product, size) => product * size, 1);
    if (values.length !== length) throw new Error(`${name} has ${values.length} values, not ${length}`);
    initializers.push(floatTensor(`${name}.values`, [1, length], Float32Array.from(values)));
    initializers.push(int64Tensor(`${name}.shape`, [0, ...shape]));
    nodes.push(node('Add', ['none', `${name}.values`], [`${name}.rows`]));
    nodes.push(node('Reshape', [`${name}.rows`, `${name}.shape`], [`${name}.shaped`]));
    nodes.push(node('Cast', [`${name}.shaped`], [name], { to: type }));
  }
  return encodeModel(
    makeModel({
      name: 'constant',
      nodes,
      initializers,
      inputs: [valueInfo('input', ['batch', 3, height, width])],
      outputs: outputs.map(({ name, shape, type }) => valueInfo(name, ['batch', ...shape], type)),
    }),
  );
}
