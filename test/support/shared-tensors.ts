import type { ServiceError, status as Status } from '@grpc/grpc-js';
import type { ExecutionContext } from 'ava';
import type { InferParameter } from '../../server/gen/inference/grpc_service.js';
import { inferMessage, type RequestFields } from './kserve-client.js';

/** 16 floats, as tests of shared memory have them, and their bytes. */
export const VALUES = Float32Array.from({ length: 16 }, (_, index) => index + 0.5);
export const BYTES = new Uint8Array(VALUES.buffer);

/** The parameters of an input or output that lies in a region. */
export function parameters(region: string, byteSize: number, offset = 0): Record<string, InferParameter> {
  const whole = (value: number): InferParameter => ({
    parameterChoice: { $case: 'int64Param', int64Param: BigInt(value) },
  });
  return {
    shared_memory_region: { parameterChoice: { $case: 'stringParam', stringParam: region } },
    shared_memory_byte_size: whole(byteSize),
    ...(offset === 0 ? {} : { shared_memory_offset: whole(offset) }),
  };
}

/** Asks for the identity of 16 floats of a region. */
export function shared(
  input: Record<string, InferParameter>,
  output?: Record<string, InferParameter>,
  rest?: RequestFields,
) {
  return inferMessage('model', [], {
    inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1n, 16n], parameters: input }],
    outputs: output === undefined ? [] : [{ name: 'OUTPUT0', parameters: output }],
    ...rest,
  });
}

/** Asserts that a call fails so. */
export async function fails(t: ExecutionContext, work: Promise<unknown>, code: Status, details: RegExp): Promise<void> {
  const error = await t.throwsAsync<ServiceError>(work);
  t.is(error?.code, code, error?.details);
  t.regex(error?.details ?? '', details);
}
