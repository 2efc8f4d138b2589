import test from 'ava';
import { loadNative, type ClassMapOptions, type GridOptions, type MaskOptions } from '../../server/runtime/native.js';
import { askOracle } from '../oracle/oracle.js';
import { Random } from './random.js';

const native = loadNative();

/** A grid on a picture: mostly as a letterbox lays it, sometimes turned. */
function anyGrid(random: Random, planes: number): GridOptions {
  const [inputWidth, inputHeight] = [random.integer(8, 96), random.integer(8, 96)];
  const [width, height] = [random.integer(1, 120), random.integer(1, 120)];
  const scale = Math.max(width / inputWidth, height / inputHeight) * random.real(0.8, 1.2);
  const turn = random.chance(0.3) ? random.real(-1, 1) : 0;
  const matrix = [
    scale * Math.cos(turn),
    -scale * Math.sin(turn),
    random.real(-20, 20),
    scale * Math.sin(turn),
    scale * Math.cos(turn),
    random.real(-20, 20),
  ];
  const [rows, columns] = [random.integer(1, 40), random.integer(1, 40)];
  return { planes, rows, columns, matrix, inputWidth, inputHeight, width, height };
}

interface ClassMapAnswer {
  readonly labels: Uint8Array;
  /** 255 times the probability, not rounded. */
  readonly levels: Float64Array;
  readonly doubt: Float64Array;
}

test('every pixel has the class of its cell, whatever the layout and the activation', (t) => {
  const random = new Random(31);
  const cases = Array.from({ length: 80 }, () => {
    const grid = anyGrid(random, random.chance(0.3) ? 1 : random.integer(2, 30));
    const options: ClassMapOptions = {
      ...grid,
      planar: random.chance(0.5),
      activation: random.pick(['none', 'softmax', 'sigmoid']),
      probabilities: true,
    };
    const scores = random.floats(grid.planes * grid.rows * grid.columns, -4, 4);
    // Ties: the first class wins.
    for (let index = 0; index < scores.length; index++) if (random.chance(0.3)) scores[index] = random.integer(-1, 1);
    return { ...options, scores };
  });
  const answers = askOracle<ClassMapAnswer[]>('maps.py', { oracle: 'class_map', cases });
  for (const [index, { scores, ...options }] of cases.entries()) {
    const { labels, probabilities, counts } = native.decodeClassMap(scores, options);
    const want = answers[index]!;
    const sure = want.doubt.map((doubt) => (doubt > 1e-9 ? 1 : 0));
    const wrong = labels.findIndex((label, pixel) => sure[pixel] === 1 && label !== want.labels[pixel]);
    t.is(wrong, -1, `case ${index}: pixel ${wrong} is of class ${labels[wrong]}, not ${want.labels[wrong]}`);
    const off = probabilities.findIndex(
      (level, pixel) => sure[pixel] === 1 && !(Math.abs(level - want.levels[pixel]!) <= 0.5 + 1e-6),
    );
    t.is(off, -1, `case ${index}: pixel ${off} has the level ${probabilities[off]}, not ${want.levels[off]}`);
    const tally = new Uint32Array(counts.length);
    for (const label of labels) tally[label]! += 1;
    t.deepEqual(counts, tally);
    t.is(counts.length, options.planes === 1 ? 2 : options.planes);
  }
});

test('scores that are no numbers lose, and a map without probabilities has none', (t) => {
  const grid = { rows: 1, columns: 2, matrix: [1, 0, 0, 0, 1, 0], inputWidth: 2, inputHeight: 1, width: 2, height: 1 };
  const options = { ...grid, planes: 2, planar: true, activation: 'softmax', probabilities: false } as const;
  const map = native.decodeClassMap(Float32Array.of(NaN, NaN, 1, NaN), options);
  t.deepEqual([...map.labels], [1, 0]);
  t.is(map.probabilities.length, 0);
  const levels = native.decodeClassMap(Float32Array.of(NaN, NaN, 1, NaN), { ...options, probabilities: true });
  t.deepEqual([...levels.probabilities], [255, 0]);
});

/** The pixels of COCO's run lengths, row after row. */
function unroll(runs: Uint32Array, width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height);
  let place = 0;
  runs.forEach((run, index) => {
    for (let end = place + run; place < end; place++) {
      if (index % 2 === 1) pixels[(place % height) * width + Math.floor(place / height)] = 255;
    }
  });
  return pixels;
}

test('masks are the mixed prototypes above 0 within the box, as run lengths', (t) => {
  const random = new Random(32);
  const cases = Array.from({ length: 80 }, () => {
    const grid = anyGrid(random, random.integer(1, 32));
    const { width, height } = grid;
    const left = random.real(-20, width);
    const top = random.real(-20, height);
    const box = random.chance(0.1)
      ? [width + 5, 0, width + 9, 9]
      : [left, top, left + random.real(0, width), top + random.real(0, height)];
    const options: MaskOptions = { ...grid, box };
    const prototypes = random.floats(grid.planes * grid.rows * grid.columns, -1, 1);
    const coefficients = random.floats(grid.planes, -1, 1);
    return { ...options, prototypes, coefficients };
  });
  const answers = askOracle<{ readonly logits: Float64Array }[]>('maps.py', { oracle: 'mask', cases });
  for (const [index, { prototypes, coefficients, ...options }] of cases.entries()) {
    const { width, height } = options;
    const runs = native.decodeMask(prototypes, coefficients, options);
    t.is(
      runs.reduce((sum, run) => sum + run, 0),
      width * height,
      `case ${index}: the runs are not the picture`,
    );
    t.true(
      runs.every((run, place) => run > 0 || place === 0),
      `case ${index}: an empty run`,
    );
    const mask = native.fillMask(runs, width, height);
    t.deepEqual(mask, unroll(runs, width, height));
    const wrong = mask.findIndex((value, pixel) => {
      const logit = answers[index]!.logits[pixel]!;
      // What rounding decides may fall on either side.
      return Math.abs(logit) > 1e-5 && value !== (logit > 0 ? 255 : 0);
    });
    t.is(wrong, -1, `case ${index}: pixel ${wrong} is ${mask[wrong]} at ${answers[index]!.logits[wrong]}`);
  }
});

test('what does not fit is refused by name', (t) => {
  const grid = { rows: 2, columns: 2, matrix: [1, 0, 0, 0, 1, 0], inputWidth: 2, inputHeight: 2, width: 2, height: 2 };
  const map = { ...grid, planes: 3, planar: true, activation: 'none', probabilities: false } as const;
  const message = (run: () => unknown) => t.throws(run, { instanceOf: RangeError })?.message ?? '';
  t.regex(
    message(() => native.decodeClassMap(new Float32Array(11), map)),
    /scores has 11 values; 12 are needed/,
  );
  t.regex(
    message(() => native.decodeClassMap(new Float32Array(12), { ...map, planes: 300 })),
    /planes is 300/,
  );
  t.regex(
    message(() => native.decodeClassMap(new Float32Array(12), { ...map, width: 0 })),
    /width is 0/,
  );
  const flat = { ...map, matrix: [0, 0, 0, 0, 0, 0] };
  t.regex(
    message(() => native.decodeClassMap(new Float32Array(12), flat)),
    /matrix cannot be inverted/,
  );
  const mask = { ...grid, planes: 1, box: [0, 0, 1, 1] };
  t.regex(
    message(() => native.decodeMask(new Float32Array(3), new Float32Array(1), mask)),
    /prototypes has 3/,
  );
  t.regex(
    message(() => native.decodeMask(new Float32Array(4), new Float32Array(2), mask)),
    /coefficients has 2/,
  );
});
