import { ServingError } from '../../core/errors.js';
import type { OutputTensor } from '../onnx-session.js';

/** Key points of a pose, and the values of each: x y score. */
export const FALL_SHAPE = [16, 3] as const;

/** Fall, Stand, UnCertain. */
const STATES = 3;

/** Whether a person has fallen, from the key points of its pose: one output [N, 3], not yet a distribution. */
export class FallTask {
  /** Throws MODEL_INVALID, naming the expected and the found shapes, when the outputs of a run do not fit. */
  check(outputs: readonly OutputTensor[], rows: number): void {
    const found = outputs.map(({ shape }) => `[${shape.join(',')}]`).join(' ');
    if (found === `[${rows},${STATES}]`) return;
    throw new ServingError(
      'MODEL_INVALID',
      `the outputs do not fit task fall: expected one of [${rows},${STATES}], found ${found || 'none'}`,
    );
  }

  columns(): number {
    return STATES;
  }

  /** The probability of each state, for each row. */
  postprocess(outputs: readonly OutputTensor[]): Float32Array[] {
    const { data } = outputs[0]!;
    return Array.from({ length: data.length / STATES }, (_, row) =>
      softmax(data.subarray(row * STATES, (row + 1) * STATES)),
    );
  }
}

function softmax(values: Float32Array): Float32Array {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
