import test from 'ava';
import { ModelInferResponse, ModelStreamInferResponse } from '../../server/gen/inference/grpc_service.js';
import { encodeInferResponse, encodeStreamResponse } from '../../server/grpc/kserve/infer-encoder.js';

/** Outputs whose lengths take one, two, three and four bytes. */
const LENGTHS = [[], [0], [1, 127], [128, 16_383], [16_384, 3], [2_097_151, 2_097_152]];

function answer(lengths: readonly number[]): ModelInferResponse {
  return ModelInferResponse.fromPartial({
    modelName: 'model',
    modelVersion: '3',
    id: 'Grüße',
    parameters: { triton_final_response: { parameterChoice: { $case: 'boolParam', boolParam: true } } },
    outputs: lengths.map((length, index) => ({ name: `out${index}`, datatype: 'UINT8', shape: [1n, BigInt(length)] })),
    rawOutputContents: lengths.map((length, index) => new Uint8Array(length).fill(index + 1)),
  });
}

for (const lengths of LENGTHS) {
  test(`an answer with outputs of ${lengths.join(' and ') || 'no'} bytes is the one that the generated encoder writes`, (t) => {
    const response = answer(lengths);
    t.is(Buffer.compare(encodeInferResponse(response), ModelInferResponse.encode(response).finish()), 0);
    const streamed = { errorMessage: '', inferResponse: response };
    t.is(Buffer.compare(encodeStreamResponse(streamed), ModelStreamInferResponse.encode(streamed).finish()), 0);
  });
}

test('an error of a stream goes with its answer', (t) => {
  const response = { errorMessage: 'no', inferResponse: answer([]) };
  t.deepEqual(ModelStreamInferResponse.decode(encodeStreamResponse(response)), response);
});
