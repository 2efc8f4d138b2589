import { ServingError } from './errors.js';
import type { Attachment, InferenceResult, ResultTable, StageResult, TensorResults } from './inference.js';

/** What objects and names take beside the values of an answer, roughly and rather too much. */
const ANSWER_BYTES = 1024;
const PART_BYTES = 256;

/** Whether an equal request would be answered so too: failures may pass, also those of parts. */
export function isLasting({ outcome, picture, stages = [] }: InferenceResult): boolean {
  if (outcome instanceof ServingError || picture !== undefined) return false;
  if (hasFailures(outcome)) return false;
  return stages.every(({ error, findings }) => error === null && (findings === null || !hasFailures(findings.table)));
}

function hasFailures(outcome: ResultTable | TensorResults): boolean {
  return !('tensors' in outcome) && outcome.rowErrors !== null;
}

/**
 * An answer with memory of its own: answers alias the memory of their batch, and whoever gets one may move it away. What
 * only is so of the one execution is left out: when its stages ran.
 */
export function copyAnswer({ width, height, outcome, stages }: InferenceResult): InferenceResult {
  return {
    width,
    height,
    outcome: outcome instanceof ServingError ? outcome : copyOutcome(outcome),
    ...(stages === undefined ? {} : { stages: stages.map(copyStage) }),
  };
}

function copyOutcome(outcome: ResultTable | TensorResults): ResultTable | TensorResults {
  if (!('tensors' in outcome)) return copyTable(outcome);
  return { tensors: outcome.tensors.map((tensor) => ({ ...tensor, data: new Uint8Array(tensor.data) })) };
}

function copyTable(table: ResultTable): ResultTable {
  const copy = (attachment: Attachment): Attachment => attachment.slice();
  return { ...table, values: new Float32Array(table.values), attachments: table.attachments.map(copy) };
}

function copyStage(stage: StageResult): StageResult {
  const { findings } = stage;
  const copied = findings === null ? null : { ...findings, table: copyTable(findings.table) };
  return { ...stage, timings: null, startedAt: null, findings: copied };
}

/** Bytes that a copied answer holds. */
export function answerBytes({ outcome, stages = [] }: InferenceResult): number {
  let bytes = ANSWER_BYTES;
  if (!(outcome instanceof ServingError)) bytes += outcomeBytes(outcome);
  for (const { findings } of stages) {
    bytes += PART_BYTES;
    if (findings !== null) bytes += outcomeBytes(findings.table) + findings.rows.length * 8;
  }
  return bytes;
}

function outcomeBytes(outcome: ResultTable | TensorResults): number {
  const parts =
    'tensors' in outcome
      ? outcome.tensors.map(({ data }) => data.byteLength)
      : [outcome.values.byteLength, ...outcome.attachments.map(({ byteLength }) => byteLength)];
  return parts.reduce((sum, bytes) => sum + PART_BYTES + bytes, 0);
}
