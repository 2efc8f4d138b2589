import type { ModelStatistics, StatisticDuration } from '../../gen/inference/grpc_service.js';
import type { DurationSum } from '../inference-counts.js';
import type { VersionStatistics } from '../version-statistics.js';

/** What a version has done, as the protocol tells it. */
export function modelStatistics({
  name,
  version,
  lastInference,
  inferences,
  executions,
  success,
  fail,
  queue,
  input,
  infer,
  output,
  batches,
  cacheHits,
  cacheMisses,
}: VersionStatistics): ModelStatistics {
  return {
    name,
    version: String(version),
    lastInference: BigInt(Math.round(lastInference)),
    inferenceCount: BigInt(inferences),
    executionCount: BigInt(executions),
    inferenceStats: {
      success: toDuration(success),
      fail: toDuration(fail),
      queue: toDuration(queue),
      computeInput: toDuration(input),
      computeInfer: toDuration(infer),
      computeOutput: toDuration(output),
      cacheHit: toDuration(cacheHits),
      cacheMiss: toDuration(cacheMisses),
    },
    batchStats: batches.map((batch) => ({
      batchSize: BigInt(batch.size),
      computeInput: toDuration(batch.input),
      computeInfer: toDuration(batch.infer),
      computeOutput: toDuration(batch.output),
    })),
    memoryUsage: [],
    responseStats: {},
  };
}

function toDuration({ count, us }: DurationSum): StatisticDuration {
  return { count: BigInt(count), ns: BigInt(Math.round(us * 1000)) };
}
