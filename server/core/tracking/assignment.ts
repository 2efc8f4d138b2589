import { LinkedAssignment, type Pair, type Prices } from './linked-assignment.js';

/**
 * Pairs rows with columns, each at most once, so that the sum of `cost - limit` over the pairs is the smallest there is:
 * a pair is worth having where it costs less than `limit`. Only pairs that are added can come about.
 *
 * The same as the assignment of a full matrix whose other entries cost `limit`, but rows and columns that are not linked
 * by any chain of pairs are solved apart, and most have a single partner. Its buffers are kept from one use to the next.
 */
export class Assignment {
  /** Column of each row, or -1; after `solve`. */
  columnOf = new Int32Array(0);
  /** Cost of each row's pair; NaN where it has not been found out. After `solve`. */
  costOf = new Float64Array(0);
  #rows = 0;
  readonly #pairs: Pair[] = [];
  /** Forest of rows, and columns behind them: what has the same root is linked. */
  #parents = new Int32Array(0);
  readonly #linked = new LinkedAssignment();

  /** Forgets all pairs. */
  begin(rows: number, columns: number): void {
    this.#rows = rows;
    this.#pairs.length = 0;
    if (this.columnOf.length < rows) {
      this.columnOf = new Int32Array(2 * rows);
      this.costOf = new Float64Array(2 * rows);
    }
    const nodes = rows + columns;
    if (this.#parents.length < nodes) this.#parents = new Int32Array(2 * nodes);
    for (let node = 0; node < nodes; node++) this.#parents[node] = node;
  }

  /** Allows a pair, once. NaN: `solve` is told what it costs. */
  add(row: number, column: number, cost: number): void {
    this.#pairs.push({ row, column, cost });
    const [one, other] = [this.#rootOf(row), this.#rootOf(this.#rows + column)];
    if (one !== other) this.#parents[other] = one;
  }

  /** Finds the pairs. One without rivals and without a price comes about; nothing is asked about it. */
  solve(limit: number, prices?: Prices): void {
    this.columnOf.fill(-1, 0, this.#rows);
    this.costOf.fill(NaN, 0, this.#rows);
    for (const linked of this.#byRoot().values()) {
      const isAlone = linked.length === 1;
      const chosen = isAlone
        ? linked.filter(({ cost }) => !(cost >= limit))
        : this.#linked.choose(linked, limit, prices);
      for (const { row, column, cost } of chosen) {
        this.columnOf[row] = column;
        this.costOf[row] = cost;
      }
    }
  }

  /** The pairs that are linked with one another, under their root. */
  #byRoot(): Map<number, Pair[]> {
    const groups = new Map<number, Pair[]>();
    for (const pair of this.#pairs) {
      const root = this.#rootOf(pair.row);
      const group = groups.get(root);
      if (group === undefined) groups.set(root, [pair]);
      else group.push(pair);
    }
    return groups;
  }

  #rootOf(node: number): number {
    const parents = this.#parents;
    let root = node;
    while (parents[root] !== root) {
      parents[root] = parents[parents[root]!]!;
      root = parents[root]!;
    }
    return root;
  }
}
