import type { InferenceResponse, ResultTable, TaskParameters } from '../core/inference.js';
import type { Model } from '../core/model.js';
import type { FrameInfo } from '../gen/sluice/v1/inference.js';
import { forClient, type FaultLog } from './client-error.js';
import { writeTimings } from './frame-codec.js';
import type { Answer } from './stream-protocol.js';

/** What is known of a frame once a model has answered. */
export function answeredInfo(info: FrameInfo, { width, height, timings }: InferenceResponse, model: Model): FrameInfo {
  return { ...info, modelVersion: String(model.version), width, height, timings: writeTimings(timings) };
}

/** What a response is made of; `table` is the outcome of `response`. */
export function toAnswer(
  table: ResultTable,
  { width, height, stages }: InferenceResponse,
  parameters: TaskParameters,
  { labels }: Model,
  log: FaultLog,
): Answer {
  const told = stages?.map((stage) =>
    stage.error === null ? stage : { ...stage, error: forClient(stage.error, log) },
  );
  return { width, height, table, parameters, labels, stages: told };
}
