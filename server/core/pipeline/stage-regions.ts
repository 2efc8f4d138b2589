import type { ResultTable } from '../inference.js';
import type { Points, Region } from '../picture.js';
import { FALL_POINTS, fallPoints } from './fall-points.js';
import { DEFAULT_MAX_REGIONS, type StageConfig } from './pipeline-config.js';

/** Columns of every detection: left top right bottom score class. */
const BOX_COLUMNS = 6;

/** Columns of a turned box. */
const ROTATED_COLUMNS = 5;

/** Values of a key point as models read it: x y score. */
const POINT_VALUES = 3;

/** Values of all key points of a pose. */
export const KEY_POINT_VALUES = FALL_POINTS * POINT_VALUES;

/** What an input stage tells of the detections of a frame. */
export interface Found {
  readonly table: ResultTable;
  /** For each detection of the first stage the row that is about it; -1: none. */
  readonly rows: readonly number[];
}

/** The detections of the frame, by their place, that a stage looks at: best ones first. */
export function chooseDetections(stage: StageConfig, detections: ResultTable, input: Found): number[] {
  const { class_ids: classIds, min_score: minScore = -1, min_size: minSize = 0 } = stage;
  const chosen: number[] = [];
  for (let place = 0; place < detections.rows && chosen.length < (stage.max_regions ?? DEFAULT_MAX_REGIONS); place++) {
    const row = input.rows[place] ?? -1;
    if (row < 0 || (input.table.rowErrors?.[row] ?? null) !== null) continue;
    const [left = 0, top = 0, right = 0, bottom = 0, score = 0, classId = 0] = rowOf(detections, place);
    if (classIds !== undefined && !classIds.includes(classId)) continue;
    if (!(score > minScore) || Math.min(right - left, bottom - top) < minSize) continue;
    chosen.push(place);
  }
  return chosen;
}

/** What of its findings a stage looks at. */
export function regionsFor(
  { regions = 'box' }: StageConfig,
  chosen: readonly number[],
  { table, rows }: Found,
): Region[] {
  return chosen.map((place) => {
    const values = rowOf(table, rows[place]!);
    if (regions === 'landmarks') return { kind: 'landmarks', points: [...pointsOf(table, values, 2)] };
    const [left = 0, top = 0, right = 0, bottom = 0] = values;
    return { kind: 'box', left, top, right, bottom };
  });
}

/**
 * The key points of poses as task fall reads them: x and y from the corner of the person's box, in units of its longer
 * side and less a half, and the score.
 */
export function keyPointsFor(chosen: readonly number[], detections: ResultTable, { table, rows }: Found): Points {
  const length = KEY_POINT_VALUES;
  const values = new Float32Array(chosen.length * length);
  chosen.forEach((place, index) => {
    const [left = 0, top = 0, right = 0, bottom = 0] = rowOf(detections, place);
    const side = Math.max(right - left, bottom - top);
    const points = fallPoints(pointsOf(table, rowOf(table, rows[place]!), POINT_VALUES));
    for (let at = 0; at < length; at += POINT_VALUES) {
      values[index * length + at] = (points[at]! - left) / side - 0.5;
      values[index * length + at + 1] = (points[at + 1]! - top) / side - 0.5;
      values[index * length + at + 2] = points[at + 2]!;
    }
  });
  return { kind: 'points', values };
}

function rowOf({ values, columns }: ResultTable, row: number): Float32Array {
  return values.subarray(row * columns, (row + 1) * columns);
}

/** The points of a row, the first `wanted` values of each. */
function pointsOf({ layout }: ResultTable, row: Float32Array, wanted: number): number[] {
  const { rotated = false, points = 0, pointValues = 0 } = layout ?? {};
  const from = BOX_COLUMNS + (rotated ? ROTATED_COLUMNS : 0);
  return Array.from({ length: points }, (_, point) => {
    const at = from + point * pointValues;
    return [...row.subarray(at, at + wanted)];
  }).flat();
}
