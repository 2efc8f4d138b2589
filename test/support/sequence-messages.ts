import type { InferParameter } from '../../server/gen/inference/grpc_service.js';
import { inferMessage } from './kserve-client.js';
import { tensor } from './tensors.js';

/** What a request says of its sequence; left out: nothing. */
export interface Step {
  readonly id?: number | string;
  readonly start?: boolean;
  readonly end?: boolean;
}

export function parameters({ id, start, end }: Step): Record<string, InferParameter> {
  const flag = (value: boolean): InferParameter => ({ parameterChoice: { $case: 'boolParam', boolParam: value } });
  const named: Record<string, InferParameter> = {};
  if (typeof id === 'number')
    named['sequence_id'] = { parameterChoice: { $case: 'uint64Param', uint64Param: BigInt(id) } };
  if (typeof id === 'string') named['sequence_id'] = { parameterChoice: { $case: 'stringParam', stringParam: id } };
  if (start !== undefined) named['sequence_start'] = flag(start);
  if (end !== undefined) named['sequence_end'] = flag(end);
  return named;
}

/** A request for a model of sequence-models.ts that adds. */
export function summand(model: string, value: number, step: Step) {
  return inferMessage(model, [tensor('INPUT', 'FP32', [1, 1], Float32Array.of(value))], {
    parameters: parameters(step),
  });
}
