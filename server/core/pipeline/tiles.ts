import { ServingError } from '../errors.js';
import type { Tiling } from '../inference.js';
import type { Region } from '../picture.js';

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Far more than any camera needs, and as many regions as a request may have. */
const MOST_TILES = 1024;

/** Columns of every detection: left top right bottom score class. */
const [LEFT, TOP, RIGHT, BOTTOM, SCORE, CLASS] = [0, 1, 2, 3, 4, 5] as const;

/**
 * The parts of a picture that are searched: tiles row by row, those at the right and lower edge moved inwards, then the
 * whole picture where it is asked for. Throws INVALID_REQUEST where they are too many.
 */
export function tilesOf(picture: Size, tiling: Tiling): Region[] {
  const columns = startsOf(picture.width, tiling.width, tiling.overlap);
  const rows = startsOf(picture.height, tiling.height, tiling.overlap);
  const count = columns.length * rows.length;
  if (count > MOST_TILES) {
    throw new ServingError(
      'INVALID_REQUEST',
      `the picture of ${picture.width}x${picture.height} has ${count} tiles of ${tiling.width}x${tiling.height}; ` +
        `${MOST_TILES} is the most: send it smaller, or set larger tiles in the pipeline's config.yaml`,
    );
  }
  const tiles = rows.flatMap((top) =>
    columns.map((left): Region => {
      const right = Math.min(picture.width, left + tiling.width);
      const bottom = Math.min(picture.height, top + tiling.height);
      return { kind: 'box', left, top, right, bottom };
    }),
  );
  // One tile is all of the picture.
  if (tiling.wholePicture && count > 1) {
    tiles.push({ kind: 'box', left: 0, top: 0, right: picture.width, bottom: picture.height });
  }
  return tiles;
}

/** Where tiles of `size` start so that they cover `length` and overlap by at least that share. */
function startsOf(length: number, size: number, overlap: number): number[] {
  const step = Math.max(1, Math.floor(size * (1 - overlap)));
  const starts = [0];
  for (let start = 0; start + size < length;) {
    start = Math.min(start + step, length - size);
    starts.push(start);
    if (starts.length > MOST_TILES) break;
  }
  return starts;
}

/** What is left of the detections of all tiles. */
export interface MergedTiles {
  /** The rows that stay, best score first. */
  readonly values: Float32Array;
  /** For each of them, its place among those given. */
  readonly kept: readonly number[];
}

/**
 * Puts together what tiles have found, in rows of `columns` values. From the best detection down, each one that is left
 * removes those of its class that match its box as it was found; under `nmm` its box grows by theirs. Of equal scores
 * the earlier one counts as better. At most `most` rows stay.
 */
export function mergeTiles(rows: Float32Array, columns: number, tiling: Tiling, most: number): MergedTiles {
  const count = rows.length / columns;
  const at = (row: number, column: number): number => rows[row * columns + column]!;
  const order = Array.from({ length: count }, (_, row) => row).sort((a, b) => at(b, SCORE) - at(a, SCORE) || a - b);
  const gone = new Uint8Array(count);
  const kept: number[] = [];
  const values = new Float32Array(Math.min(count, most) * columns);
  for (const [place, row] of order.entries()) {
    if (gone[row] === 1) continue;
    if (kept.length === most) break;
    const out = values.subarray(kept.length * columns, (kept.length + 1) * columns);
    out.set(rows.subarray(row * columns, (row + 1) * columns));
    kept.push(row);
    for (let next = place + 1; next < count; next++) {
      const other = order[next]!;
      if (gone[other] === 1 || at(other, CLASS) !== at(row, CLASS)) continue;
      if (!(overlapOf(at, row, other, tiling.match) > tiling.threshold)) continue;
      gone[other] = 1;
      if (tiling.merge === 'nms') continue;
      out[LEFT] = Math.min(out[LEFT]!, at(other, LEFT));
      out[TOP] = Math.min(out[TOP]!, at(other, TOP));
      out[RIGHT] = Math.max(out[RIGHT]!, at(other, RIGHT));
      out[BOTTOM] = Math.max(out[BOTTOM]!, at(other, BOTTOM));
    }
  }
  return { values: values.subarray(0, kept.length * columns), kept };
}

/** NaN where a box has no area: such match nothing. */
function overlapOf(at: (row: number, column: number) => number, a: number, b: number, match: Tiling['match']): number {
  const width = Math.min(at(a, RIGHT), at(b, RIGHT)) - Math.max(at(a, LEFT), at(b, LEFT));
  const height = Math.min(at(a, BOTTOM), at(b, BOTTOM)) - Math.max(at(a, TOP), at(b, TOP));
  const shared = Math.max(0, width) * Math.max(0, height);
  const area = (row: number): number => (at(row, RIGHT) - at(row, LEFT)) * (at(row, BOTTOM) - at(row, TOP));
  return shared / (match === 'ios' ? Math.min(area(a), area(b)) : area(a) + area(b) - shared);
}
