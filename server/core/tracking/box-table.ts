import type { TrackBox } from './tracker.js';

/** Values of a row: left, top, right, bottom, area. */
const COLUMNS = 5;

/** Boxes laid out for comparing each with each. Its memory is kept when it is filled anew. */
export class BoxTable {
  /** Added to each width and height: 1 where edges count as pixels that belong to the box. */
  readonly #rim: number;
  #values = new Float64Array(0);
  #kinds = new Float64Array(0);
  #rows = 0;

  constructor(rim: 0 | 1) {
    this.#rim = rim;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Boxes of different kinds do not overlap. */
  fill<Item>(items: readonly Item[], boxOf: (item: Item) => TrackBox, kindOf: (item: Item) => number): this {
    this.#rows = items.length;
    if (this.#kinds.length < items.length) {
      this.#values = new Float64Array(2 * items.length * COLUMNS);
      this.#kinds = new Float64Array(2 * items.length);
    }
    const [values, rim] = [this.#values, this.#rim];
    for (const [row, item] of items.entries()) {
      const { left, top, right, bottom } = boxOf(item);
      const at = row * COLUMNS;
      values[at] = left;
      values[at + 1] = top;
      values[at + 2] = right;
      values[at + 3] = bottom;
      values[at + 4] = (right - left + rim) * (bottom - top + rim);
      this.#kinds[row] = kindOf(item);
    }
    return this;
  }

  /** Calls back for each pair of a row here and one of `others` that are of a kind and overlap, with their IoU. */
  compare(others: BoxTable, found: (row: number, other: number, overlap: number) => void): void {
    const [mine, theirs, rim] = [this.#values, others.#values, this.#rim];
    for (let row = 0; row < this.#rows; row++) {
      const at = row * COLUMNS;
      const [left, top] = [mine[at]!, mine[at + 1]!];
      const [right, bottom] = [mine[at + 2]! + rim, mine[at + 3]! + rim];
      const [area, kind] = [mine[at + 4]!, this.#kinds[row]!];
      for (let other = 0; other < others.#rows; other++) {
        const from = other * COLUMNS;
        const width = Math.min(right, theirs[from + 2]! + rim) - Math.max(left, theirs[from]!);
        if (!(width > 0) || others.#kinds[other] !== kind) continue;
        const height = Math.min(bottom, theirs[from + 3]! + rim) - Math.max(top, theirs[from + 1]!);
        if (!(height > 0)) continue;
        const shared = width * height;
        found(row, other, shared / (area + theirs[from + 4]! - shared));
      }
    }
  }
}
