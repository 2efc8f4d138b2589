import test from 'ava';
import { Assignment } from '../../../server/core/tracking/assignment.js';
import { DenseAssignment } from '../../../server/core/tracking/dense-assignment.js';
import { askOracle } from '../../oracle/oracle.js';
import { Random } from '../../support/random.js';

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Infinity: not a pair. */
  readonly costs: Float64Array;
}

/** A matrix of which `share` are pairs; whole numbers make ties. */
function anyMatrix(random: Random, most: number, share: number, isWhole: boolean): Matrix {
  const [rows, columns] = [random.int(1, most), random.int(1, most)];
  const cost = () => (isWhole ? random.int(0, 4) : random.next() * 10 - 2);
  const costs = Float64Array.from({ length: rows * columns }, () => (random.chance(share) ? cost() : Infinity));
  return { rows, columns, costs };
}

/** The pairs that are found, after checking that each row and column is in one at most and the pair is one. */
function pairsOf(assignment: Assignment, { rows, columns, costs }: Matrix, limit: number): number[] {
  assignment.begin(rows, columns);
  for (const [at, cost] of costs.entries()) {
    if (cost !== Infinity) assignment.add(Math.floor(at / columns), at % columns, cost);
  }
  assignment.solve(limit);
  const taken = new Set<number>();
  const gains: number[] = [];
  for (let row = 0; row < rows; row++) {
    const column = assignment.columnOf[row]!;
    if (column < 0) continue;
    if (taken.has(column)) throw new Error(`column ${column} is taken twice`);
    taken.add(column);
    const cost = costs[row * columns + column]!;
    if (!(cost < limit)) throw new Error(`row ${row} has a pair that costs ${cost}`);
    if (cost !== assignment.costOf[row]) throw new Error(`row ${row} tells another cost`);
    gains.push(cost - limit);
  }
  return gains;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test('the pairs are worth as much as any can be, in matrices sparse and full, with ties and without', (t) => {
  const random = new Random(31);
  const cases = Array.from({ length: 600 }, (_, index) => ({
    ...anyMatrix(random, index % 5 === 0 ? 24 : 8, random.pick([0.1, 0.3, 0.7, 1]), index % 3 === 0),
    limit: random.pick([1, 3, 8]),
  }));
  const expected = askOracle<Float64Array[]>('trackers.py', { oracle: 'assign', cases });
  const assignment = new Assignment();
  let paired = 0;
  for (const [index, each] of cases.entries()) {
    const gains = pairsOf(assignment, each, each.limit);
    t.true(Math.abs(sum(gains) - expected[index]![0]!) < 1e-9, `case ${index}`);
    paired += gains.length;
  }
  t.true(paired > 1500, `${paired} pairs`);
});

test('with a limit above all costs there are as many pairs as there can be', (t) => {
  const random = new Random(32);
  const limit = 1e5;
  const cases = Array.from({ length: 200 }, () => ({ ...anyMatrix(random, 10, 0.4, false), limit }));
  const expected = askOracle<Float64Array[]>('trackers.py', { oracle: 'assign', cases });
  const assignment = new Assignment();
  for (const [index, each] of cases.entries()) {
    const gains = pairsOf(assignment, each, limit);
    const [, , least, count] = expected[index]!;
    t.is(gains.length, count!);
    t.true(Math.abs(sum(gains) + limit * gains.length - least!) < 1e-6, `case ${index}`);
  }
});

test('small matrices are assigned as the best of all permutations', (t) => {
  const random = new Random(33);
  const dense = new DenseAssignment();
  for (let round = 0; round < 300; round++) {
    const rows = random.int(1, 5);
    const columns = random.int(rows, 6);
    const costs = Float64Array.from({ length: rows * columns }, () => random.int(-5, 5));
    dense.solve(costs, rows, columns);
    const chosen = [...dense.columnOf.subarray(0, rows)];
    t.is(new Set(chosen).size, rows);
    const found = sum(chosen.map((column, row) => costs[row * columns + column]!));
    t.is(found, leastSum(costs, rows, columns, 0, new Set()), `round ${round}`);
  }
});

function leastSum(costs: Float64Array, rows: number, columns: number, row: number, taken: Set<number>): number {
  if (row === rows) return 0;
  let least = Infinity;
  for (let column = 0; column < columns; column++) {
    if (taken.has(column)) continue;
    taken.add(column);
    least = Math.min(least, costs[row * columns + column]! + leastSum(costs, rows, columns, row + 1, taken));
    taken.delete(column);
  }
  return least;
}

test('nothing is asked about a pair without rivals, and costs only where bounds leave a doubt', (t) => {
  const rivals = ['1-0', '1-1', '2-0', '2-1'];
  const cost = (row: number, column: number) => (row === column ? 1 : 2);
  const priced = (slack: number) => {
    const assignment = new Assignment();
    assignment.begin(3, 3);
    assignment.add(0, 2, NaN);
    for (const row of [1, 2]) for (const column of [0, 1]) assignment.add(row, column, NaN);
    const [bounded, exact]: [Set<string>, Set<string>] = [new Set(), new Set()];
    const askedFor = (asked: Set<string>, more: number) => (row: number, column: number) => {
      asked.add(`${row}-${column}`);
      return cost(row, column) + more;
    };
    assignment.solve(10, {
      least: askedFor(bounded, -slack),
      most: askedFor(bounded, slack),
      exact: askedFor(exact, 0),
    });
    t.deepEqual([...bounded].sort(), rivals);
    t.deepEqual([...assignment.columnOf.subarray(0, 3)], [2, 1, 0]);
    return exact.size;
  };
  t.is(priced(0), 0);
  t.is(priced(0.2), 0);
  t.is(priced(5), 4);
});

test('pairs chosen by bounds are those chosen by costs, and most costs are never asked for', (t) => {
  const random = new Random(34);
  const [byCosts, byBounds] = [new Assignment(), new Assignment()];
  let [pairs, asked] = [0, 0];
  for (let round = 0; round < 400; round++) {
    const matrix = anyMatrix(random, 12, random.pick([0.3, 1]), false);
    const { rows, columns, costs } = matrix;
    const slack = Float64Array.from(costs, () => random.pick([0, 0.2, 1, 4]) * random.next());
    const limit = random.pick([4, 1e5]);
    pairsOf(byCosts, matrix, limit);
    byBounds.begin(rows, columns);
    for (const [at, cost] of costs.entries()) {
      if (cost === Infinity) continue;
      byBounds.add(Math.floor(at / columns), at % columns, random.chance(0.1) ? cost : NaN);
      pairs += 1;
    }
    const at = (row: number, column: number) => row * columns + column;
    byBounds.solve(limit, {
      least: (row, column) => costs[at(row, column)]! - slack[at(row, column)]!,
      most: (row, column) => costs[at(row, column)]! + slack[at(row, column)]! / 2,
      exact: (row, column) => {
        asked += 1;
        return costs[at(row, column)]!;
      },
    });
    for (let row = 0; row < rows; row++) {
      const column = byCosts.columnOf[row]!;
      const isAlone = byBounds.columnOf[row]! >= 0 && Number.isNaN(byBounds.costOf[row]!) && column < 0;
      // A pair without rivals comes about before its price is known.
      if (!isAlone) t.is(byBounds.columnOf[row], column, `round ${round}, row ${row}`);
    }
  }
  t.true(asked > 0 && asked < pairs / 3, `${asked} of ${pairs}`);
});

test('nothing is assigned to nothing', (t) => {
  const assignment = new Assignment();
  for (const [rows, columns] of [
    [0, 0],
    [3, 0],
    [0, 3],
    [2, 2],
  ] as const) {
    assignment.begin(rows, columns);
    assignment.solve(1);
    t.deepEqual(
      [...assignment.columnOf.subarray(0, rows)],
      Array.from({ length: rows }, () => -1),
    );
  }
});

test('a use leaves nothing behind for the next', (t) => {
  const assignment = new Assignment();
  assignment.begin(400, 300);
  for (let row = 0; row < 400; row++) assignment.add(row, row % 300, row);
  assignment.solve(1000);
  t.is(assignment.columnOf[7], 7);
  assignment.begin(2, 1);
  assignment.add(1, 0, 5);
  assignment.solve(5);
  t.deepEqual([...assignment.columnOf.subarray(0, 2)], [-1, -1]);
  assignment.solve(6);
  t.deepEqual([...assignment.columnOf.subarray(0, 2)], [-1, 0]);
});
