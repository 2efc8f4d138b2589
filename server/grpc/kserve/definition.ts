import type { ServiceDefinition } from '@grpc/grpc-js';
import { GRPCInferenceServiceService } from '../../gen/inference/grpc_service.js';
import { tolerant } from '../received.js';
import { encodeInferResponse, encodeStreamResponse } from './infer-encoder.js';

/** The service. */
export const KSERVE_DEFINITION: ServiceDefinition = tolerant({
  ...GRPCInferenceServiceService,
  modelInfer: { ...GRPCInferenceServiceService.modelInfer, responseSerialize: encodeInferResponse },
  modelStreamInfer: { ...GRPCInferenceServiceService.modelStreamInfer, responseSerialize: encodeStreamResponse },
});
