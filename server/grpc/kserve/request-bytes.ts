import type { InferTensorContents, ModelInferRequest } from '../../gen/inference/grpc_service.js';
import { readPlace } from '../../protocol/open-inference/shared-places.js';

/** Of the largest number that typed contents have. */
const NUMBER_BYTES = 8;

/** What the tensors of a request take, in bytes, also those in shared memory; of typed contents the most that they may. */
export function requestBytes({ rawInputContents, inputs }: ModelInferRequest): number {
  const raw = rawInputContents.reduce((sum, { length }) => sum + length, 0);
  return inputs.reduce((sum, { name, contents, parameters }) => {
    const shared = readPlace(name, parameters)?.byteSize ?? 0;
    return sum + Math.max(0, shared) + (contents === undefined ? 0 : typedBytes(contents));
  }, raw);
}

function typedBytes({ bytesContents, ...numbers }: InferTensorContents): number {
  const texts = bytesContents.reduce((sum, { length }) => sum + length, 0);
  return Object.values(numbers).reduce((sum, { length }) => sum + length * NUMBER_BYTES, texts);
}
