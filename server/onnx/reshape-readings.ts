import type { InputSize } from './comparison.js';

/** The input of a Reshape at one shape of the picture. */
export interface ReshapeInput extends InputSize {
  readonly batch: number;
  readonly dims: readonly number[];
}

/** What a Reshape means: the dims of its result, one a probe. */
export interface Reading {
  readonly results: readonly (readonly number[])[];
  /** Whether it takes two literals for the height and width of a picture that came as one dim. */
  readonly isGrid: boolean;
}

/** More ways to read one Reshape are not told apart. */
const MOST_READINGS = 64;

/**
 * Every way to read a Reshape that made `result` of `before`, for inputs that have become `after`: in row-major order
 * each run of input dims becomes a run of output dims with as many elements, and both are cut into the same cells.
 * A cell grows with the input dim that it lies in, so that there is one reading, unless a dim that has changed is cut
 * into several: then each of them may be the one that grows. None where the cells do not line up. `merged`: sizes of
 * dims that nodes in front have made of several, which may hold rows and columns of the picture.
 */
export function readingsOf(
  before: ReshapeInput,
  result: readonly number[],
  after: readonly [ReshapeInput, ReshapeInput, ...ReshapeInput[]],
  merged: ReadonlySet<number>,
): Reading[] {
  const all = [before, ...after] as const;
  const [from, ...to] = countsPictures(all) ? withBatchApart(all) : all;
  let readings: Reading[] = [{ results: after.map(() => result.map(() => 1)), isGrid: false }];
  for (const run of alignedRuns(from.dims, result)) {
    for (const growths of growthsOfRun(run, from, result, to, merged)) readings = multiply(readings, growths);
  }
  return distinct(readings);
}

/** Whether the pictures of a batch lie one after the other along dim 0, alone or with something else inside them. */
function countsPictures([first, ...others]: readonly [ReshapeInput, ...ReshapeInput[]]): boolean {
  const all = [first, ...others];
  const [a, b] = others.map(({ dims, batch }) => (dims[0] ?? NaN) / batch);
  return all.every(({ dims, batch }) => Number.isInteger((dims[0] ?? NaN) / batch)) && a === b;
}

/** Splits what else is in dim 0 from the batch, so that the batch is a dim of its own and the first. */
function withBatchApart(all: readonly [ReshapeInput, ...ReshapeInput[]]): [ReshapeInput, ...ReshapeInput[]] {
  const inside = all.map(({ dims, batch }) => (dims[0] ?? 0) / batch);
  if (inside.every((size) => size === 1)) return [...all];
  const split = (one: ReshapeInput): ReshapeInput => {
    const [folded = 0, ...rest] = one.dims;
    return { ...one, dims: [one.batch, folded / one.batch, ...rest] };
  };
  const [first, ...others] = all;
  return [split(first), ...others.map(split)];
}

/** Axes of the input that become axes of the result. */
export interface Run {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Splits the axes of both shapes into the shortest runs with the same number of elements. */
export function alignedRuns(before: readonly number[], result: readonly number[]): Run[] {
  const runs: { inputs: number[]; outputs: number[] }[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < result.length) {
    let [has, gets] = [before[i] ?? 1, result[j] ?? 1];
    const run = { inputs: [i++], outputs: [j++] };
    while (has !== gets && (has < gets ? i < before.length : j < result.length)) {
      if (has < gets) {
        has *= before[i] ?? 1;
        run.inputs.push(i++);
      } else {
        gets *= result[j] ?? 1;
        run.outputs.push(j++);
      }
    }
    runs.push(run);
  }
  // Sizes of 1 at the end of one side belong to the last run.
  for (; i < before.length; i++) runs.at(-1)?.inputs.push(i);
  for (; j < result.length; j++) runs.at(-1)?.outputs.push(j);
  return runs;
}

/** Sizes of the dims of a reshaped value that were made of several dims. */
export function mergedSizes(before: readonly number[], result: readonly number[]): number[] {
  return alignedRuns(before, result).flatMap(({ inputs, outputs }) => {
    const cells = commonCells(
      inputs.map((axis) => before[axis] ?? 1),
      outputs.map((axis) => result[axis] ?? 1),
    );
    return outputs.flatMap((axis, output) => {
      const parts = cells?.filter((row) => (row[output] ?? 1) > 1).length ?? 0;
      return parts > 1 ? [result[axis] ?? 1] : [];
    });
  });
}

/** What the cells of one input dim become: for each probe, one a dim of the result. */
interface Growth {
  readonly cells: readonly (readonly number[])[];
  readonly isGrid: boolean;
}

/** For each input dim of a run all that its cells may become; nothing where a run that has changed cannot be cut up. */
function growthsOfRun(
  run: Run,
  before: ReshapeInput,
  result: readonly number[],
  after: readonly ReshapeInput[],
  merged: ReadonlySet<number>,
): Growth[][] {
  const sizes = run.inputs.map((axis) => before.dims[axis] ?? 1);
  const cells = commonCells(
    sizes,
    run.outputs.map((axis) => result[axis] ?? 1),
  );
  if (cells === null) {
    const isUnchanged = after.every(({ dims }) => run.inputs.every((axis) => dims[axis] === before.dims[axis]));
    const whole = result.map((size, axis) => (run.outputs.includes(axis) ? size : 1));
    return [isUnchanged ? [{ cells: after.map(() => whole), isGrid: false }] : []];
  }
  const isAlone = run.inputs.length === 1 && run.outputs.length === 1;
  return run.inputs.map((axis, index) => {
    const size = sizes[index] ?? 1;
    const becomes = after.map(({ dims }) => dims[axis] ?? 1);
    const row = result.map((_, output) => cells[index]?.[run.outputs.indexOf(output)] ?? 1);
    const free = isAlone ? run.outputs : touching(axis, before.dims, result);
    const grids = merged.has(size) ? gridsOf(row, size, becomes, before, after) : [];
    return [...growthsOf(row, size, becomes, free), ...grids];
  });
}

/** Sizes of the cells, by input dim and output dim; null where the borders of one side cut through those of the other. */
function commonCells(inputs: readonly number[], outputs: readonly number[]): number[][] | null {
  const [from, to] = [spansOf(inputs), spansOf(outputs)];
  const borders = [...new Set([...from, ...to].flatMap(({ low, high }) => [low, high]))].sort((a, b) => a - b);
  const lineUp = borders.every((border, index) => border > 0 && border % (borders[index - 1] ?? 1) === 0);
  if (!lineUp) return null;
  return from.map((input) =>
    to.map((output) => Math.max(1, Math.min(input.high, output.high) / Math.max(input.low, output.low))),
  );
}

/** For each dim how many elements lie behind it, without and with its own. */
function spansOf(dims: readonly number[]): { low: number; high: number }[] {
  let low = 1;
  const spans = dims.toReversed().map((size) => {
    const span = { low, high: low * size };
    low = span.high;
    return span;
  });
  return spans.reverse();
}

/** The output dims that an input dim of size 1, which lies between or in them, could grow in. */
function touching(index: number, inputs: readonly number[], outputs: readonly number[]): number[] {
  const place = spansOf(inputs)[index]?.low ?? 1;
  const spans = spansOf(outputs);
  return spans.flatMap(({ low, high }, output) => (low <= place && place <= high ? [output] : []));
}

/** One cell grows and the others stay. `free`: the output dims for a dim of size 1, which has no cell. */
function growthsOf(
  row: readonly number[],
  size: number,
  becomes: readonly number[],
  free: readonly number[],
): Growth[] {
  if (becomes.every((to) => to === size)) return [{ cells: becomes.map(() => row), isGrid: false }];
  const holders = row.flatMap((cell, output) => (cell > 1 ? [output] : []));
  return (holders.length > 0 ? holders : free).flatMap((holder) => {
    const cells = becomes.map((to) => row.map((cell, output) => (output === holder ? (cell * to) / size : cell)));
    return cells.flat().every(Number.isInteger) ? [{ cells, isGrid: false }] : [];
  });
}

/** A dim that holds rows and columns of the picture, cut into two dims in its proportions: each grows with its own. */
function gridsOf(
  row: readonly number[],
  size: number,
  becomes: readonly number[],
  before: ReshapeInput,
  after: readonly ReshapeInput[],
): Growth[] {
  const resized = after.some(({ width, height }) => width !== before.width || height !== before.height);
  const holders = row.flatMap((cell, output) => (cell > 1 ? [output] : []));
  if (!resized || holders.length < 2) return [];
  const pairs = holders.flatMap((rows) => holders.map((columns) => [rows, columns] as const));
  return pairs.flatMap(([rows, columns]): Growth[] => {
    const isGrid = (row[rows] ?? 0) * before.width === (row[columns] ?? 0) * before.height;
    if (rows === columns || !isGrid) return [];
    const cells = after.map(({ width, height }) =>
      row.map((cell, output) => {
        if (output === rows) return (cell * height) / before.height;
        return output === columns ? (cell * width) / before.width : cell;
      }),
    );
    const fits = cells.every(
      (dims, probe) => dims.every(Number.isInteger) && product(dims) === (becomes[probe] ?? size),
    );
    return fits ? [{ cells, isGrid: true }] : [];
  });
}

function multiply(readings: readonly Reading[], growths: readonly Growth[]): Reading[] {
  const all = readings.flatMap(({ results, isGrid }) =>
    growths.map((growth) => ({
      results: results.map((dims, probe) => dims.map((dim, output) => dim * (growth.cells[probe]?.[output] ?? 1))),
      isGrid: isGrid || growth.isGrid,
    })),
  );
  return all.length > MOST_READINGS ? [] : all;
}

/** The plain readings first; a grid that says the same as one of them is none. */
function distinct(readings: readonly Reading[]): Reading[] {
  const byResults = new Map<string, Reading>();
  for (const reading of readings.toSorted((left, right) => Number(left.isGrid) - Number(right.isGrid))) {
    const key = JSON.stringify(reading.results);
    if (!byResults.has(key)) byResults.set(key, reading);
  }
  return [...byResults.values()];
}

function product(dims: readonly number[]): number {
  return dims.reduce((total, dim) => total * dim, 1);
}
