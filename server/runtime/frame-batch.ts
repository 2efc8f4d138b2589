import { alignmentPoints } from '../core/alignment-templates.js';
import { ServingError, type ErrorData } from '../core/errors.js';
import {
  regionsOf,
  type Attachment,
  type DetectionLayout,
  type PhaseDurations,
  type TaskParameters,
} from '../core/inference.js';
import type { ModelConfig } from '../core/model-config.js';
import { mergeTiles, tilesOf } from '../core/pipeline/tiles.js';
import type { KeptPicture, Region } from '../core/picture.js';
import type { BatchDone, FrameReply } from './messages.js';
import type { NativeAddon } from './native.js';
import { samplePicture, sampleRegion, type Sampling, type Size } from './sampling.js';

/** A frame on its way through a batch. */
export interface Frame<P extends Size> {
  readonly parameters: TaskParameters;
  /** The decoded picture, or why there is none. */
  picture: P | ServingError;
  /** One a row: the table of its results, or why it failed. */
  readonly results: (Float32Array | ServingError)[];
  /** As ResultTable.attachments. */
  attachments: Attachment[];
  /** What was asked to be kept. */
  kept?: KeptPicture;
}

/** A row that is ready to be sampled. */
export interface PlannedRow<P extends Size> {
  readonly frame: Frame<P>;
  /** Place in the frame's results. */
  readonly index: number;
  readonly picture: P;
  readonly sampling: Sampling;
  readonly parameters: TaskParameters;
  /** The box that was asked for: left top right bottom in the picture. */
  readonly box: readonly [number, number, number, number];
}

/** The time that a batch has spent in each phase, as it runs. */
export type PhaseClock = { -readonly [Phase in keyof PhaseDurations]: number };

/** Tells which rows of a batch a frame takes, and how each is sampled. */
export class RowPlanner {
  readonly #config: ModelConfig;
  readonly #native: NativeAddon;
  readonly #alignment: Float32Array | null;

  constructor(config: ModelConfig, native: NativeAddon) {
    this.#config = config;
    this.#native = native;
    const { alignment } = config.preprocess;
    this.#alignment = alignment === undefined ? null : Float32Array.from(alignmentPoints(alignment).flat());
  }

  /** The rows of a frame. Regions that cannot be sampled get their error at once and no row. */
  plan<P extends Size>(frame: Frame<P>): PlannedRow<P>[] {
    const { parameters, results } = frame;
    const regions = wantedRegions(frame);
    const { picture } = frame;
    if (picture instanceof ServingError) return [];
    const { input, preprocess } = this.#config;
    const rows: PlannedRow<P>[] = [];
    regions.forEach((region, index) => {
      try {
        const sampling =
          region === null
            ? samplePicture(picture, input, preprocess)
            : sampleRegion(region, picture, input, preprocess, this.#alignment, this.#native);
        rows.push({ frame, index, picture, sampling, parameters, box: boxOf(region, picture) });
      } catch (cause) {
        results[index] = ServingError.from(cause);
      }
    });
    return rows;
  }
}

/** What of the picture is looked at, each in a row of its own; null: all of it. */
function wantedRegions<P extends Size>(frame: Frame<P>): readonly (Region | null)[] {
  const { picture, parameters } = frame;
  if (parameters.kind === 'detect' && parameters.tiles !== undefined && !(picture instanceof ServingError)) {
    try {
      return tilesOf(picture, parameters.tiles);
    } catch (cause) {
      frame.picture = ServingError.from(cause);
      return [];
    }
  }
  const asked = regionsOf(parameters);
  return asked.length > 0 ? asked : [null];
}

/** Puts what the tiles of a picture have found in the place of its results. */
function mergeFrame(frame: Frame<Size>, columns: number): void {
  const { parameters, results } = frame;
  if (parameters.kind !== 'detect' || parameters.tiles === undefined || frame.picture instanceof ServingError) return;
  const failed = results.find((result) => result instanceof ServingError);
  if (failed !== undefined) {
    frame.picture = failed;
    return;
  }
  const tables = results as Float32Array[];
  const rows = new Float32Array(tables.reduce((sum, table) => sum + table.length, 0));
  let offset = 0;
  for (const table of tables) {
    rows.set(table, offset);
    offset += table.length;
  }
  const { values, kept } = mergeTiles(rows, columns, parameters.tiles, parameters.maxDetections);
  results.splice(0, results.length, values);
  if (frame.attachments.length > 0) frame.attachments = kept.map((row) => frame.attachments[row]!);
}

/** The box of a region, or around its landmarks, or the whole picture. */
function boxOf(region: Region | null, { width, height }: Size): PlannedRow<Size>['box'] {
  if (region === null) return [0, 0, width, height];
  if (region.kind === 'box') return [region.left, region.top, region.right, region.bottom];
  const [xs, ys] = [0, 1].map((axis) => region.points.filter((_, index) => index % 2 === axis));
  return [Math.min(...xs!), Math.min(...ys!), Math.max(...xs!), Math.max(...ys!)];
}

/** What a row of results consists of. */
export interface RowShape {
  /** Values of a row. */
  readonly columns: number;
  /** Of detections. */
  readonly layout?: DetectionLayout | undefined;
}

/** The reply to a batch: all tables in one buffer, so that a single one moves to the other thread. */
export function replyTo(frames: readonly Frame<Size>[], shape: RowShape, phases: PhaseDurations): BatchDone {
  const { columns } = shape;
  for (const frame of frames) mergeFrame(frame, columns);
  // A failed region keeps its place, so that rows and regions stay aligned.
  const tables = frames.map(({ results }) =>
    results.map((result) => (result instanceof ServingError ? new Float32Array(columns) : result)),
  );
  const values = new Float32Array(tables.flat().reduce((sum, table) => sum + table.length, 0));
  let offset = 0;
  const replies = frames.map((frame, index): FrameReply => {
    const start = offset;
    for (const table of tables[index]!) {
      values.set(table, offset);
      offset += table.length;
    }
    return replyToFrame(frame, shape, (offset - start) / columns);
  });
  return { type: 'done', phases, values, frames: replies };
}

function replyToFrame({ picture, results, attachments, kept }: Frame<Size>, shape: RowShape, rows: number): FrameReply {
  if (picture instanceof ServingError) {
    return { width: 0, height: 0, error: picture.toData(), rows: 0, ...shape, rowErrors: null, attachments: [] };
  }
  const errors: (ErrorData | null)[] = results.map((result) =>
    result instanceof ServingError ? result.toData() : null,
  );
  const rowErrors = errors.some((error) => error !== null) ? errors : null;
  const { width, height } = picture;
  return {
    width,
    height,
    error: null,
    rows,
    ...shape,
    rowErrors,
    attachments,
    ...(kept === undefined ? {} : { kept }),
  };
}

/** Runs `work` and adds its duration in microseconds to a phase. */
export async function timed<T>(phases: PhaseClock, phase: keyof PhaseClock, work: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work();
  } finally {
    phases[phase] += (performance.now() - start) * 1000;
  }
}
