import { DenseAssignment } from './dense-assignment.js';

/** What a pair costs where it was added without a price. Called only where the pair has rivals. */
export type Price = (row: number, column: number) => number;

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
  /** Cost of each row's pair; NaN where it was never asked for. After `solve`. */
  costOf = new Float64Array(0);
  #rows = 0;
  #columns = 0;
  #pairs = 0;
  #pairRows = new Int32Array(256);
  #pairColumns = new Int32Array(256);
  #pairCosts = new Float64Array(256);
  /** Forest of rows, and columns behind them: what has the same root is linked. */
  #parents = new Int32Array(0);
  /** Pairs under each root; later where those of the root begin in `order`. */
  #starts = new Int32Array(0);
  /** The pairs, those of a root together. */
  #order = new Int32Array(0);
  /** Place of each row and column in the matrix that is being solved, or -1. */
  #places = new Int32Array(0);
  #matrix = new Float64Array(0);
  readonly #dense = new DenseAssignment();

  /** Forgets all pairs. */
  begin(rows: number, columns: number): void {
    this.#rows = rows;
    this.#columns = columns;
    this.#pairs = 0;
    if (this.columnOf.length < rows) {
      this.columnOf = new Int32Array(2 * rows);
      this.costOf = new Float64Array(2 * rows);
    }
    const nodes = rows + columns;
    if (this.#parents.length < nodes) {
      this.#parents = new Int32Array(2 * nodes);
      this.#starts = new Int32Array(2 * nodes + 1);
      this.#places = new Int32Array(2 * nodes);
    }
    this.columnOf.fill(-1, 0, rows);
    this.costOf.fill(NaN, 0, rows);
    for (let node = 0; node < nodes; node++) this.#parents[node] = node;
  }

  /** Allows a pair, once. NaN: `solve` is told the price. */
  add(row: number, column: number, cost: number): void {
    const pair = this.#pairs++;
    if (pair === this.#pairRows.length) this.#grow();
    this.#pairRows[pair] = row;
    this.#pairColumns[pair] = column;
    this.#pairCosts[pair] = cost;
    const [left, right] = [this.#rootOf(row), this.#rootOf(this.#rows + column)];
    if (left !== right) this.#parents[right] = left;
  }

  /** Finds the pairs. One without rivals and without a price comes about; its price is not asked for. */
  solve(limit: number, price?: Price): void {
    this.#sortByRoot();
    for (let begin = 0; begin < this.#pairs;) {
      const root = this.#rootOf(this.#pairRows[this.#order[begin]!]!);
      const end = this.#starts[root]!;
      if (end - begin === 1) this.#acceptAlone(this.#order[begin]!, limit);
      else this.#solveLinked(begin, end, limit, price);
      begin = end;
    }
  }

  #acceptAlone(pair: number, limit: number): void {
    if (!(this.#pairCosts[pair]! >= limit)) this.#accept(pair);
  }

  #accept(pair: number): void {
    const row = this.#pairRows[pair]!;
    this.columnOf[row] = this.#pairColumns[pair]!;
    this.costOf[row] = this.#pairCosts[pair]!;
  }

  /** The pairs from `begin` to `end` of `order`, as a matrix with no more rows than columns. */
  #solveLinked(begin: number, end: number, limit: number, price: Price | undefined): void {
    const [rowNodes, columnNodes]: [number[], number[]] = [[], []];
    for (let at = begin; at < end; at++) {
      const pair = this.#order[at]!;
      this.#place(this.#pairRows[pair]!, rowNodes);
      this.#place(this.#rows + this.#pairColumns[pair]!, columnNodes);
    }
    const turned = rowNodes.length > columnNodes.length;
    const [height, width] = turned ? [columnNodes.length, rowNodes.length] : [rowNodes.length, columnNodes.length];
    if (this.#matrix.length < height * width) this.#matrix = new Float64Array(2 * height * width);
    this.#matrix.fill(0, 0, height * width);
    for (let at = begin; at < end; at++) {
      const pair = this.#order[at]!;
      const [row, column] = [this.#pairRows[pair]!, this.#pairColumns[pair]!];
      if (price !== undefined && Number.isNaN(this.#pairCosts[pair]!)) this.#pairCosts[pair] = price(row, column);
      this.#matrix[this.#cell(pair, turned, width)] = Math.min(0, this.#pairCosts[pair]! - limit);
    }
    this.#dense.solve(this.#matrix, height, width);
    for (let at = begin; at < end; at++) {
      const pair = this.#order[at]!;
      const cell = this.#cell(pair, turned, width);
      const chosen = this.#dense.columnOf[Math.floor(cell / width)] === cell % width;
      if (chosen && this.#matrix[cell]! < 0) this.#accept(pair);
    }
    for (const node of [...rowNodes, ...columnNodes]) this.#places[node] = -1;
  }

  #place(node: number, nodes: number[]): void {
    if (this.#places[node]! >= 0) return;
    this.#places[node] = nodes.length;
    nodes.push(node);
  }

  #cell(pair: number, turned: boolean, width: number): number {
    const row = this.#places[this.#pairRows[pair]!]!;
    const column = this.#places[this.#rows + this.#pairColumns[pair]!]!;
    return turned ? column * width + row : row * width + column;
  }

  /** Fills `order` by counting; afterwards `starts` of a root is where its pairs end. */
  #sortByRoot(): void {
    const nodes = this.#rows + this.#columns;
    if (this.#order.length < this.#pairs) this.#order = new Int32Array(this.#pairRows.length);
    this.#starts.fill(0, 0, nodes + 1);
    this.#places.fill(-1, 0, nodes);
    for (let pair = 0; pair < this.#pairs; pair++) this.#starts[this.#rootOf(this.#pairRows[pair]!) + 1]! += 1;
    for (let node = 0; node < nodes; node++) this.#starts[node + 1]! += this.#starts[node]!;
    for (let pair = 0; pair < this.#pairs; pair++) {
      const root = this.#rootOf(this.#pairRows[pair]!);
      this.#order[this.#starts[root]!] = pair;
      this.#starts[root]! += 1;
    }
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

  #grow(): void {
    const room = 2 * this.#pairRows.length;
    const [rows, columns, costs] = [new Int32Array(room), new Int32Array(room), new Float64Array(room)];
    rows.set(this.#pairRows);
    columns.set(this.#pairColumns);
    costs.set(this.#pairCosts);
    [this.#pairRows, this.#pairColumns, this.#pairCosts] = [rows, columns, costs];
  }
}
