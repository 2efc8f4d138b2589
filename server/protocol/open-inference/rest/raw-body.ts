import { ServingError } from '../../../core/errors.js';
import type { RestRequest } from '../../../core/open-inference/rest-exchange.js';
import type { TensorModel } from '../../../core/tensor-request.js';
import { elementBytes, invalid, shapeText, writeElements, type TensorSpec } from '../../../core/tensors.js';
import { ModelInferRequest } from '../../../gen/inference/grpc_service.js';
import { isJsonObject } from './exact-json.js';
import type { InferBody } from './infer-body.js';

/**
 * Whether a body is the data of the model's one input, without any JSON: `Inference-Header-Content-Length` is 0, or there
 * is none and the body has the type of bytes and is no JSON.
 */
export function isRawBody({ body, headerLength, contentType }: RestRequest): boolean {
  if (headerLength !== null) return headerLength === '0';
  // Some clients give that type to JSON, too.
  return /^application\/octet-stream *(;|$)/i.test(contentType ?? '') && !isJsonObject(body);
}

/**
 * The request that such a body makes, as Triton has it: of one row, with all outputs as bytes. Its data aliases the body,
 * except of BYTES, whose one element the body is. Throws INVALID_REQUEST where the model leaves open what is meant.
 */
export function readRawBody({ model, version, body }: RestRequest, served: TensorModel): InferBody {
  // One without inputs is refused by the check that all requests go through.
  const { inputs, batched } = served.signature ?? { inputs: [], batched: false };
  if (inputs.length > 1) {
    const names = inputs.map(({ name }) => name).join(', ');
    throw new ServingError(
      'INVALID_REQUEST',
      `model ${served.name} has the inputs ${names}, and a body without JSON is the data of a single one; say in JSON what is which`,
    );
  }
  const message = ModelInferRequest.fromPartial({
    modelName: model,
    modelVersion: version,
    inputs: inputs.map((spec) => {
      const { name, datatype } = spec;
      return { name, datatype, shape: rawShape(spec, batched, body.length).map(BigInt) };
    }),
  });
  // Put in afterwards: nothing copies them.
  message.rawInputContents = inputs.map(({ datatype }) => (datatype === 'BYTES' ? writeElements([body]) : body));
  return { message, binary: () => true };
}

/** The shape that so many bytes have; where they are too few or too many for it, that is found with all others. */
function rawShape({ name, datatype, shape }: TensorSpec, batched: boolean, bytes: number): readonly number[] {
  const told = `${datatype} ${shapeText(shape)}`;
  const own = batched ? shape?.slice(1) : shape;
  if (own == null) throw invalid(name, `is ${told}, and a body without JSON has no shape; say it in JSON`);
  const size = elementBytes(datatype);
  const open = own.filter((dim) => dim === -1).length;
  if (size !== null && open > 1) {
    throw invalid(name, `is ${told}, and a body without JSON leaves one dim open at most; say its shape in JSON`);
  }
  const known = own.reduce((product, dim) => (dim === -1 ? product : product * dim), 1);
  const rest = size === null ? 1 : bytes / (known * size);
  if (open > 0 && !Number.isSafeInteger(rest)) {
    throw invalid(name, `is ${told} for one row, and the ${bytes} bytes of the body are no whole number of those`);
  }
  const dims = own.map((dim) => (dim === -1 ? rest : dim));
  return batched ? [1, ...dims] : dims;
}
