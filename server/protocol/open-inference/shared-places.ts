import type { SharedPlace } from '../../core/shared-memory.js';
import { invalid } from '../../core/tensors.js';
import type { InferParameter } from '../../gen/inference/grpc_service.js';
import { readInteger, readText, type Parameters } from './parameters.js';

const REGION = 'shared_memory_region';
const BYTE_SIZE = 'shared_memory_byte_size';
const OFFSET = 'shared_memory_offset';

/** Where the parameters of an input or output say that it lies; null: in the message. Throws INVALID_REQUEST. */
export function readPlace(name: string, parameters: Parameters): SharedPlace | null {
  const region = readText(parameters, REGION);
  if (region === null) return null;
  const byteSize = readInteger(parameters, BYTE_SIZE);
  if (byteSize === null) throw invalid(name, `has a ${REGION}, and no ${BYTE_SIZE} beside it`);
  return { region, offset: readInteger(parameters, OFFSET) ?? 0, byteSize };
}

/** The parameters that tell a client where an output lies. */
export function writePlace({ region, offset, byteSize }: SharedPlace): Record<string, InferParameter> {
  return {
    [REGION]: { parameterChoice: { $case: 'stringParam', stringParam: region } },
    [BYTE_SIZE]: whole(byteSize),
    ...(offset === 0 ? {} : { [OFFSET]: whole(offset) }),
  };
}

function whole(value: number): InferParameter {
  return { parameterChoice: { $case: 'int64Param', int64Param: BigInt(value) } };
}
