import type { ExecutionContext } from 'ava';
import { ServingError } from '../../server/core/errors.js';
import type { InputSize, ServedSize } from '../../server/onnx/comparison.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { rewriteModel } from '../../server/onnx/rewrite.js';
import { int64Tensor } from '../../server/onnx/tensor.js';
import { difference, noise, rows, runModel } from './run-model.js';

/** The size that the models of the tests are exported for. */
export const SIZE = { width: 8, height: 8 };

/** A vector of whole numbers. */
export const ints = (name: string, ...values: number[]) => int64Tensor(name, values);

/** What the rewrite says when it refuses. */
export function refusal(t: ExecutionContext, model: OnnxModel, size: ServedSize = SIZE): string {
  const error = t.throws(() => rewriteModel(model, size), { instanceOf: ServingError });
  t.is(error?.code, 'MODEL_INVALID');
  return error?.message ?? '';
}

/** A model exported for a batch of 1 must answer a batch of 3, rewritten, as it answers its pictures one by one. */
export async function answersAsOneByOne(t: ExecutionContext, model: OnnxModel, size = SIZE): Promise<string[]> {
  const { model: rewritten, changes } = rewriteModel(model, size);
  await answersAlike(t, rewritten, model, size);
  return changes;
}

/** A model brought to another size must answer a batch of 3 as the same network exported for that size does. */
export async function answersAsExportedFor(
  t: ExecutionContext,
  model: OnnxModel,
  size: InputSize,
  exportedFor: (width: number, height: number) => OnnxModel,
): Promise<string[]> {
  const { model: rewritten, changes } = rewriteModel(model, size);
  await answersAlike(t, rewritten, exportedFor(size.width, size.height), size);
  return changes;
}

/** Two models must answer 3 pictures alike: the first all at once, the second one by one. */
export async function answersAlike(
  t: ExecutionContext,
  model: OnnxModel,
  expected: OnnxModel,
  { width, height }: InputSize,
  tolerance = 1e-6,
): Promise<void> {
  const count = 3 * height * width;
  const pictures = noise(3 * count);
  const outputs = await runModel(model, [3, 3, height, width], pictures);
  for (let index = 0; index < 3; index++) {
    const alone = await runModel(expected, [1, 3, height, width], pictures.slice(index * count, (index + 1) * count));
    t.deepEqual(Object.keys(outputs), Object.keys(alone));
    for (const [name, output] of Object.entries(outputs)) {
      t.deepEqual(output.dims, [3, ...(alone[name]?.dims.slice(1) ?? [])], name);
      const same = difference(alone[name]?.data ?? new Float32Array(), rows(output, index, index + 1));
      t.true(same < tolerance, `${name} of picture ${index} is off by ${same}`);
    }
  }
}
