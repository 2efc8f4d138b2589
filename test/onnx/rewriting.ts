import type { ExecutionContext } from 'ava';
import { ServingError } from '../../server/core/errors.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { rewriteModel } from '../../server/onnx/rewrite.js';
import { int64Tensor } from '../../server/onnx/tensor.js';
import { difference, noise, rows, runModel } from './run-model.js';

/** The size that the models of the tests are exported for. */
export const SIZE = { width: 8, height: 8 };

/** A vector of whole numbers. */
export const ints = (name: string, ...values: number[]) => int64Tensor(name, values);

/** What the rewrite says when it refuses. */
export function refusal(t: ExecutionContext, model: OnnxModel, size = SIZE): string {
  const error = t.throws(() => rewriteModel(model, size), { instanceOf: ServingError });
  t.is(error?.code, 'MODEL_INVALID');
  return error?.message ?? '';
}

/** A model exported for a batch of 1 must answer a batch of 3, rewritten, as it answers its pictures one by one. */
export async function answersAsOneByOne(t: ExecutionContext, model: OnnxModel, size = SIZE): Promise<string[]> {
  const { model: rewritten, changes } = rewriteModel(model, size);
  const count = 3 * size.height * size.width;
  const pictures = noise(3 * count);
  const { output } = await runModel(rewritten, [3, 3, size.height, size.width], pictures);
  t.is(output?.dims[0], 3);
  for (let index = 0; index < 3 && output !== undefined; index++) {
    const picture = pictures.slice(index * count, (index + 1) * count);
    const alone = await runModel(model, [1, 3, size.height, size.width], picture);
    t.true(difference(alone['output']?.data ?? new Float32Array(), rows(output, index, index + 1)) < 1e-6);
  }
  return changes;
}
