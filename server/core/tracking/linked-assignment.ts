import { DenseAssignment } from './dense-assignment.js';

/** What pairs cost that were added without a price. */
export interface Prices {
  /** A pair costs no less than this, and no more than `most`; both are meant to be quick to find. */
  least(row: number, column: number): number;
  most(row: number, column: number): number;
  exact(row: number, column: number): number;
}

/** A pair that may come about. */
export interface Pair {
  readonly row: number;
  readonly column: number;
  /** NaN: not known. */
  cost: number;
}

/**
 * The assignment of pairs that all have to do with one another: chooses those with the least sum of `cost - limit`. Its
 * buffers are kept from one use to the next.
 */
export class LinkedAssignment {
  readonly #dense = new DenseAssignment();
  #matrix = new Float64Array(0);
  /** Where each pair is in the matrix. */
  #cells = new Int32Array(0);
  #height = 0;
  #width = 0;

  /** The chosen pairs. Costs that are not known are asked for as far as they make a difference. */
  choose(pairs: readonly Pair[], limit: number, prices: Prices | undefined): Pair[] {
    this.#layOut(pairs);
    const isPriced = prices === undefined || !pairs.some(({ cost }) => Number.isNaN(cost));
    const chosen = isPriced ? this.#solve(pairs, limit, ({ cost }) => cost) : this.#weigh(pairs, limit, prices);
    return pairs.filter((_, at) => chosen[at] === 1);
  }

  /**
   * Chooses by bounds. A choice that is the best with its own pairs at their most and all others at their least is the
   * best whatever they cost in between: a pair that it shares with another choice counts the same in both. Where another
   * would win, the pairs of both are priced, and so on: each round prices one at least.
   */
  #weigh(pairs: readonly Pair[], limit: number, prices: Prices): Uint8Array {
    const least = pairs.map(({ row, column, cost }) => (Number.isNaN(cost) ? prices.least(row, column) : cost));
    const most = pairs.map(({ row, column, cost }) => (Number.isNaN(cost) ? prices.most(row, column) : cost));
    for (;;) {
      const chosen = this.#solve(pairs, limit, (_, at) => most[at]!);
      const rival = this.#solve(pairs, limit, (_, at) => (chosen[at] === 1 ? most[at]! : least[at]!));
      if (chosen.every((isChosen, at) => isChosen === rival[at])) return chosen;
      let isAnyNew = false;
      for (const [at, pair] of pairs.entries()) {
        if ((chosen[at] === 0 && rival[at] === 0) || !Number.isNaN(pair.cost)) continue;
        pair.cost = prices.exact(pair.row, pair.column);
        least[at] = pair.cost;
        most[at] = pair.cost;
        isAnyNew = true;
      }
      // Two choices that are worth the same.
      if (!isAnyNew) return chosen;
    }
  }

  /** Lays the pairs out as a matrix with no more rows than columns. */
  #layOut(pairs: readonly Pair[]): void {
    const [rows, columns] = [new Map<number, number>(), new Map<number, number>()];
    for (const { row, column } of pairs) {
      if (!rows.has(row)) rows.set(row, rows.size);
      if (!columns.has(column)) columns.set(column, columns.size);
    }
    const isTurned = rows.size > columns.size;
    [this.#height, this.#width] = isTurned ? [columns.size, rows.size] : [rows.size, columns.size];
    if (this.#matrix.length < this.#height * this.#width)
      this.#matrix = new Float64Array(2 * this.#height * this.#width);
    if (this.#cells.length < pairs.length) this.#cells = new Int32Array(2 * pairs.length);
    for (const [at, { row, column }] of pairs.entries()) {
      const [down, across] = [rows.get(row)!, columns.get(column)!];
      this.#cells[at] = isTurned ? across * this.#width + down : down * this.#width + across;
    }
  }

  /** 1 for each pair that is chosen. Whoever would gain nothing by a pair stays alone, which is worth 0. */
  #solve(pairs: readonly Pair[], limit: number, costOf: (pair: Pair, at: number) => number): Uint8Array {
    const [matrix, cells, width] = [this.#matrix, this.#cells, this.#width];
    matrix.fill(0, 0, this.#height * width);
    for (let at = 0; at < pairs.length; at++) matrix[cells[at]!] = Math.min(0, costOf(pairs[at]!, at) - limit);
    this.#dense.solve(matrix, this.#height, width);
    const chosen = new Uint8Array(pairs.length);
    for (let at = 0; at < pairs.length; at++) {
      const cell = cells[at]!;
      const isAssigned = this.#dense.columnOf[Math.floor(cell / width)] === cell % width;
      if (isAssigned && matrix[cell]! < 0) chosen[at] = 1;
    }
    return chosen;
  }
}
