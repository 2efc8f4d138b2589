import { readFile } from 'node:fs/promises';
import type { TaskParameters } from '../../core/inference.js';
import { errorMessage, ServingError } from '../../core/errors.js';
import { TASK_KINDS, type ModelConfig } from '../../core/model-config.js';
import { classifyParameters } from '../../core/classifications.js';
import { detectParameters } from '../../core/detections.js';
import type { Instance } from '../instance.js';
import type { FrameReply, FrameTask } from '../messages.js';
import { cosineOf, f1Of, matchDetections, precisionOf, recallOf, type Detection } from './matching.js';

/** How far a candidate's answers are those of the reference. */
export type AgreementReport = DetectionAgreement | EmbeddingAgreement | ClassAgreement;

interface Agreement {
  /** The figure that counts, 0 to 1: F1 of detectors, mean cosine of embedders, share of like classes of classifiers. */
  readonly agreement: number;
  readonly pictures: number;
}

export interface DetectionAgreement extends Agreement {
  readonly kind: 'detect';
  /** Of the candidate, the reference's detections taken for the truth. */
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Of the detections that both have; null: there are none. */
  readonly meanIou: number | null;
  readonly meanScoreDifference: number | null;
  readonly referenceDetections: number;
  readonly candidateDetections: number;
}

export interface EmbeddingAgreement extends Agreement {
  readonly kind: 'embed';
  readonly meanCosine: number;
  readonly minimumCosine: number;
}

export interface ClassAgreement extends Agreement {
  readonly kind: 'classify';
  /** Pictures whose best class is the same. */
  readonly sameBest: number;
  /** Between the scores of a class, over all classes and pictures. */
  readonly meanScoreDifference: number;
}

export interface AgreementOptions {
  /** The model as it was exported, in 32 bits. */
  readonly reference: Instance;
  readonly candidate: Instance;
  /** Picture files that the candidate was not calibrated with. */
  readonly pictures: readonly string[];
  readonly config: ModelConfig;
  readonly signal?: AbortSignal;
}

/**
 * Runs both models on the same pictures, whole, with the thresholds of the configuration. Throws what a picture failed
 * with, and CONFIG_INVALID where there is none.
 */
export async function measureAgreement(options: AgreementOptions): Promise<AgreementReport> {
  const { pictures, config } = options;
  if (pictures.length === 0) {
    throw new ServingError('CONFIG_INVALID', 'there is no picture to compare the models on; hold some back');
  }
  const pairs = answersOf(options);
  switch (TASK_KINDS[config.task]) {
    case 'embed':
      return compareEmbeddings(pairs);
    case 'classify':
      return compareClasses(pairs);
    default:
      return compareDetections(pairs);
  }
}

/** The tables of one picture. */
interface Answers {
  readonly reference: Table;
  readonly candidate: Table;
}

interface Table {
  readonly columns: number;
  readonly values: Float32Array;
}

/** The answers of both models, picture by picture, a batch in memory at a time. */
async function* answersOf(options: AgreementOptions): AsyncGenerator<Answers> {
  const { pictures, config, reference, candidate, signal } = options;
  const parameters = parametersOf(config);
  for (let start = 0; start < pictures.length; start += config.max_batch_size) {
    signal?.throwIfAborted();
    const files = pictures.slice(start, start + config.max_batch_size);
    const batch = await Promise.all(files.map((file) => frameOf(file, parameters)));
    const expected = await tablesOf(reference, batch, files);
    const found = await tablesOf(candidate, batch, files);
    for (const [index, table] of expected.entries()) yield { reference: table, candidate: found[index]! };
  }
}

function parametersOf(config: ModelConfig): TaskParameters {
  if (TASK_KINDS[config.task] === 'embed') return { kind: 'embed', regions: [] };
  if (TASK_KINDS[config.task] === 'classify') return classifyParameters({}, [], config);
  return detectParameters({}, config);
}

async function frameOf(file: string, parameters: TaskParameters): Promise<FrameTask> {
  try {
    return { content: { kind: 'encoded', bytes: await readFile(file) }, parameters };
  } catch (cause) {
    throw new ServingError('CONFIG_INVALID', `${file} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

async function tablesOf(instance: Instance, batch: readonly FrameTask[], files: readonly string[]): Promise<Table[]> {
  const { frames, values } = await instance.execute(batch);
  let offset = 0;
  return frames.map((frame, index) => {
    const error = errorOf(frame);
    if (error !== null) throw new ServingError(error.code, `${files[index]}: ${error.message}`);
    const start = offset;
    offset += frame.rows * frame.columns;
    return { columns: frame.columns, values: values.subarray(start, offset) };
  });
}

function errorOf({ error, rowErrors }: FrameReply) {
  return error ?? rowErrors?.find((rowError) => rowError !== null) ?? null;
}

async function compareDetections(pairs: AsyncIterable<Answers>): Promise<DetectionAgreement> {
  let pictures = 0;
  let [references, candidates, matches] = [0, 0, 0];
  let [overlap, difference] = [0, 0];
  for await (const pair of pairs) {
    const [expected, found] = [detectionsOf(pair.reference), detectionsOf(pair.candidate)];
    for (const { reference, candidate, iou } of matchDetections(expected, found)) {
      matches += 1;
      overlap += iou;
      difference += Math.abs(expected[reference]!.score - found[candidate]!.score);
    }
    pictures += 1;
    references += expected.length;
    candidates += found.length;
  }
  const counts = { references, candidates, matches };
  const f1 = f1Of(counts);
  return {
    kind: 'detect',
    agreement: f1,
    pictures,
    precision: precisionOf(counts),
    recall: recallOf(counts),
    f1,
    meanIou: matches === 0 ? null : overlap / matches,
    meanScoreDifference: matches === 0 ? null : difference / matches,
    referenceDetections: references,
    candidateDetections: candidates,
  };
}

/** Rows are left top right bottom score class, and landmarks, which are not compared. */
function detectionsOf({ values, columns }: Table): Detection[] {
  const rows = columns === 0 ? 0 : values.length / columns;
  return Array.from({ length: rows }, (_, row) => {
    const [left = 0, top = 0, right = 0, bottom = 0, score = 0, classId = 0] = values.subarray(row * columns);
    return { left, top, right, bottom, score, classId };
  });
}

async function compareEmbeddings(pairs: AsyncIterable<Answers>): Promise<EmbeddingAgreement> {
  const cosines: number[] = [];
  for await (const { reference, candidate } of pairs) {
    const isSame = reference.values.length === candidate.values.length;
    cosines.push(isSame ? cosineOf(reference.values, candidate.values) : 0);
  }
  const meanCosine = cosines.reduce((sum, cosine) => sum + cosine, 0) / cosines.length;
  return {
    kind: 'embed',
    agreement: Math.max(0, meanCosine),
    pictures: cosines.length,
    meanCosine,
    minimumCosine: Math.min(...cosines),
  };
}

async function compareClasses(pairs: AsyncIterable<Answers>): Promise<ClassAgreement> {
  let [pictures, sameBest, scores, difference] = [0, 0, 0, 0];
  for await (const { reference, candidate } of pairs) {
    pictures += 1;
    if (bestOf(reference.values) === bestOf(candidate.values)) sameBest += 1;
    reference.values.forEach((score, index) => (difference += Math.abs(score - candidate.values[index]!)));
    scores += reference.values.length;
  }
  const agreement = sameBest / pictures;
  return { kind: 'classify', agreement, pictures, sameBest, meanScoreDifference: difference / scores };
}

/** Place of the greatest value, the first of equal ones. */
function bestOf(scores: Float32Array): number {
  return scores.reduce((best, score, index) => (score > scores[best]! ? index : best), 0);
}

/**
 * Throws MODEL_INVALID, with the figures and what can be done, where the agreement is below `floor` (0 to 1), and where
 * the pictures show nothing that could tell.
 */
export function requireAgreement(report: AgreementReport, floor: number): void {
  if (report.kind === 'detect' && report.referenceDetections === 0) {
    throw new ServingError(
      'MODEL_INVALID',
      `the accuracy of the quantised model cannot be told: the model detects nothing in the ${report.pictures} pictures ` +
        'that were held back; put pictures of what it is to find into the calibration directory',
    );
  }
  if (report.agreement >= floor) return;
  throw new ServingError(
    'MODEL_INVALID',
    `the quantised model agrees with the fp32 model to ${figure(report.agreement)}, below the accuracy_floor of ${floor} ` +
      `(${agreementText(report)}); calibrate with more pictures, or ones more like those to be served, try the minmax ` +
      'algorithm, export the model with Q/DQ nodes, or use fp16',
  );
}

/** The figures in words, for messages and logs. */
export function agreementText(report: AgreementReport): string {
  if (report.kind === 'embed') {
    const { meanCosine, minimumCosine, pictures } = report;
    return `cosine ${figure(meanCosine)} in the mean and ${figure(minimumCosine)} at least over ${pictures} pictures`;
  }
  if (report.kind === 'classify') {
    const { sameBest, meanScoreDifference, pictures } = report;
    return `the best class is the same in ${sameBest} of ${pictures} pictures, scores off by ${figure(meanScoreDifference)}`;
  }
  const { f1, precision, recall, meanIou, meanScoreDifference, candidateDetections, referenceDetections } = report;
  return (
    `F1 ${figure(f1)}, precision ${figure(precision)}, recall ${figure(recall)}, mean IoU ${figure(meanIou)}, ` +
    `scores off by ${figure(meanScoreDifference)}, ${candidateDetections} detections where fp32 has ${referenceDetections}, ` +
    `over ${report.pictures} pictures`
  );
}

function figure(value: number | null): string {
  return value === null ? 'unknown' : value.toFixed(4);
}
