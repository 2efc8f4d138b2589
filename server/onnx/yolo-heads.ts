import type { Shape } from './shape-rules/rule.js';
import type { InputSize, ServedSize } from './comparison.js';
import { FOCUSED } from './image-input.js';

/** Widths and heights of the anchors of YOLOv5, three a stride, in pixels; YOLOv7 has P5's too, for COCO its own. */
export const ANCHORS = {
  p5: [10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326],
  p6: [19, 27, 44, 40, 38, 94, 96, 68, 86, 152, 180, 137, 140, 301, 303, 264, 238, 542, 436, 615, 739, 380, 925, 792],
} as const satisfies Record<string, readonly number[]>;

export const ANCHORS_PER_CELL = 3;
/** Box, objectness and one class at least. */
const FEWEST_VALUES = 6;
const STRIDES = [8, 16, 32, 64] as const;

/** One output of a YOLO whose heads come out undecoded, one a stride. */
export interface RawHead {
  readonly name: string;
  readonly stride: number;
  readonly rows: number;
  readonly columns: number;
  /** 5 + classes. */
  readonly values: number;
  /** `maps`: [N, 3 * values, rows, columns]; `cells`: [N, 3, rows, columns, values]. */
  readonly form: 'maps' | 'cells';
}

export interface NamedShape {
  readonly name: string;
  readonly shape: Shape | null;
}

/** The size of the picture that strides count in: where the Focus layer was cut off, twice that of the input. */
export function strideSize({ width, height, channels }: ServedSize): InputSize {
  return channels === FOCUSED ? { width: width * 2, height: height * 2 } : { width, height };
}

/** The raw heads among the outputs, finest first; none unless there are several strides of one kind. */
export function rawHeads(outputs: readonly NamedShape[], size: InputSize): RawHead[] {
  const heads = outputs.flatMap((output) => rawHead(output, size) ?? []);
  const [first] = heads;
  const alike = heads.filter(({ values, form }) => values === first?.values && form === first.form);
  const strides = new Set(alike.map(({ stride }) => stride));
  if (alike.length < 2 || alike.length < heads.length || strides.size < alike.length) return [];
  return alike.sort((left, right) => left.stride - right.stride);
}

function rawHead({ name, shape }: NamedShape, size: InputSize): RawHead | null {
  if (shape === null || shape.includes(null)) return null;
  const dims = shape as readonly number[];
  if (dims.length === 4) {
    const [, channels = 0, rows = 0, columns = 0] = dims;
    const [stride, values] = [strideOf(rows, columns, size), channels / ANCHORS_PER_CELL];
    const isHead = stride !== null && Number.isInteger(values) && values >= FEWEST_VALUES;
    return isHead ? { name, stride, rows, columns, values, form: 'maps' } : null;
  }
  const [, anchors, rows = 0, columns = 0, values = 0] = dims;
  const stride = strideOf(rows, columns, size);
  const isHead = dims.length === 5 && anchors === ANCHORS_PER_CELL && stride !== null && values >= FEWEST_VALUES;
  return isHead ? { name, stride, rows, columns, values, form: 'cells' } : null;
}

/** The stride of a map of so many cells. */
export function strideOf(rows: number, columns: number, { width, height }: InputSize): number | null {
  return STRIDES.find((stride) => rows * stride === height && columns * stride === width) ?? null;
}

/** How the rows of a detector's output come about: so many a cell at each of the strides. */
export interface RowPlan {
  readonly strides: readonly number[];
  readonly perCell: number;
}

const STRIDE_SETS = [[8, 16, 32], [8, 16, 32, 64], [4, 8, 16, 32]] as const; // prettier-ignore

/** Reads a number of rows; null where no detector of these strides has so many at this size. */
export function rowPlan(count: number, { width, height }: InputSize): RowPlan | null {
  for (const perCell of [1, 2, 3]) {
    for (const strides of STRIDE_SETS) {
      const cells = strides.map((stride) => Math.ceil(width / stride) * Math.ceil(height / stride));
      if (count === perCell * cells.reduce((sum, each) => sum + each, 0)) return { strides, perCell };
    }
  }
  return null;
}

/** Whether so many rows are those of one map: what a detector of one stride gives out, or of several one by one. */
export function isOneMap(count: number, { width, height }: InputSize): boolean {
  const cells = [4, ...STRIDES].map((stride) => Math.ceil(width / stride) * Math.ceil(height / stride));
  return cells.some((each) => [1, 2, 3].some((perCell) => count === each * perCell));
}
