/**
 * Assigns each row of a cost matrix a column of its own so that the sum of their costs is the smallest there is: the
 * Hungarian method by shortest augmenting paths, O(rows² · columns) at worst. Its buffers are kept from one call to the
 * next.
 */
export class DenseAssignment {
  /** Column of each row, after `solve`. */
  columnOf = new Int32Array(0);
  #rowOf = new Int32Array(0);
  /** Column before this one on the shortest path; the row whose column it is comes in between. */
  #before = new Int32Array(0);
  #rowPrices = new Float64Array(0);
  #columnPrices = new Float64Array(0);
  /** Length of the shortest path to each column that has been found so far. */
  #distances = new Float64Array(0);
  #visited = new Uint8Array(0);

  /** `costs`: finite, row-major; `rows` is at most `columns`. */
  solve(costs: Float64Array, rows: number, columns: number): void {
    this.#start(rows, columns);
    for (let row = 0; row < rows; row++) this.#takeCheapest(costs, row, columns);
    for (let row = 0; row < rows; row++) {
      if (this.columnOf[row]! < 0) this.#augment(costs, row, columns);
    }
  }

  #start(rows: number, columns: number): void {
    if (this.columnOf.length < rows) {
      this.columnOf = new Int32Array(2 * rows);
      this.#rowPrices = new Float64Array(2 * rows);
    }
    if (this.#rowOf.length < columns) {
      this.#rowOf = new Int32Array(2 * columns);
      this.#before = new Int32Array(2 * columns);
      this.#columnPrices = new Float64Array(2 * columns);
      this.#distances = new Float64Array(2 * columns);
      this.#visited = new Uint8Array(2 * columns);
    }
    this.columnOf.fill(-1, 0, rows);
    this.#rowOf.fill(-1, 0, columns);
    this.#columnPrices.fill(0, 0, columns);
  }

  /** Gives a row the highest price that its costs allow, and the column that sets it where nobody has that yet. */
  #takeCheapest(costs: Float64Array, row: number, columns: number): void {
    const start = row * columns;
    let cheapest = 0;
    for (let column = 1; column < columns; column++) {
      if (costs[start + column]! < costs[start + cheapest]!) cheapest = column;
    }
    this.#rowPrices[row] = costs[start + cheapest]!;
    if (this.#rowOf[cheapest]! >= 0) return;
    this.#rowOf[cheapest] = row;
    this.columnOf[row] = cheapest;
  }

  /** Finds a column for a row: rows along the shortest path to a free column each pass theirs on. */
  #augment(costs: Float64Array, start: number, columns: number): void {
    const [rowOf, before, distances, visited] = [this.#rowOf, this.#before, this.#distances, this.#visited];
    const [rowPrices, columnPrices] = [this.#rowPrices, this.#columnPrices];
    distances.fill(Infinity, 0, columns);
    visited.fill(0, 0, columns);
    let row = start;
    let from = -1;
    let length = 0;
    for (;;) {
      const rowStart = row * columns;
      const base = length - rowPrices[row]!;
      let nearest = -1;
      let least = Infinity;
      for (let column = 0; column < columns; column++) {
        if (visited[column] === 1) continue;
        const distance = base + costs[rowStart + column]! - columnPrices[column]!;
        if (distance < distances[column]!) {
          distances[column] = distance;
          before[column] = from;
        }
        if (distances[column]! < least) {
          least = distances[column]!;
          nearest = column;
        }
      }
      length = least;
      from = nearest;
      row = rowOf[nearest]!;
      if (row < 0) break;
      visited[nearest] = 1;
    }
    rowPrices[start]! += length;
    for (let column = 0; column < columns; column++) {
      if (visited[column] === 0) continue;
      const slack = length - distances[column]!;
      columnPrices[column]! -= slack;
      rowPrices[rowOf[column]!]! += slack;
    }
    for (let column = from; column >= 0;) {
      const previous = before[column]!;
      const owner = previous < 0 ? start : rowOf[previous]!;
      rowOf[column] = owner;
      this.columnOf[owner] = column;
      column = previous;
    }
  }
}
