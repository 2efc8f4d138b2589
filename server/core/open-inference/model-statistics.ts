import type { ModelStatistics, StatisticDuration } from '../../gen/inference/grpc_service.js';
import type { DurationSum } from '../inference-counts.js';
import type { Model } from '../model.js';

/** What a loaded version has done, as the protocol tells it. `now`: of the clock, and in milliseconds since 1970. */
export function modelStatistics(
  { name, version, counts }: Pick<Model, 'name' | 'version' | 'counts'>,
  now: { readonly clock: number; readonly epoch: number },
): ModelStatistics {
  const {
    inferences,
    executions,
    lastAt,
    success,
    fail,
    queue,
    input,
    infer,
    output,
    batches,
    cacheHits,
    cacheMisses,
  } = counts;
  const last = lastAt === null ? 0 : now.epoch - (now.clock - lastAt) / 1000;
  return {
    name,
    version: String(version),
    lastInference: BigInt(Math.round(last)),
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
