import test from 'ava';
import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { node } from '../../server/onnx/builder.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { rewriteModel } from '../../server/onnx/rewrite.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { convThen } from './models.js';
import { answersAlike, answersAsExportedFor, answersAsOneByOne, ints, refusal, SIZE } from './rewriting.js';
import { noise } from './run-model.js';

/** Reshapes that take rows and columns of the picture apart or together, written down for one size. */

/** The network as it is exported for a size: `features` are half as large, and 4 channels. */
type Export = (width: number, height: number, batch?: number) => OnnxModel;

function exporter(
  nodes: readonly NodeProto[],
  constants: (columns: number, rows: number, batch: number) => readonly TensorProto[],
): Export {
  return (width, height, batch = 1) =>
    convThen(nodes, constants(width / 2, height / 2, batch), { input: [batch, 3, height, width] });
}

const OTHERS = [
  { width: 24, height: 16 },
  { width: 8, height: 16 },
  { width: 4, height: 16 },
  { width: 12, height: 8 },
];

/** Without one that is larger one way and smaller the other: blocks of 2x2 and of 4x1 then have as many elements. */
const UNAMBIGUOUS = OTHERS.filter(({ width, height }) => width >= 8 && height >= 8);

/** Whatever the batch of the export, other sizes are answered as exported for them. */
async function follows(t: Parameters<typeof answersAsExportedFor>[0], exportFor: Export, others = OTHERS) {
  for (const batch of [1, 6]) {
    for (const size of others) await answersAsExportedFor(t, exportFor(8, 8, batch), size, exportFor);
  }
  await answersAsOneByOne(t, exportFor(8, 8));
}

const pixelShuffle = exporter(
  [
    node('Reshape', ['features', 'apart'], ['blocks']),
    node('Transpose', ['blocks'], ['turned'], { perm: [0, 1, 4, 2, 5, 3] }),
    node('Reshape', ['turned', 'together'], ['output']),
  ],
  (columns, rows, batch) => [
    ints('apart', batch, 1, 2, 2, rows, columns),
    ints('together', batch, 1, rows * 2, columns * 2),
  ],
);

test('a pixel shuffle follows', async (t) => {
  await follows(t, pixelShuffle);
});

test('a pixel shuffle cannot stay open in height and width, and says so', (t) => {
  const ranges = { height: { min: 8, opt: 8, max: 16 }, width: { min: 8, opt: 8, max: 16 } };
  t.regex(
    refusal(t, pixelShuffle(8, 8), { ...SIZE, ranges }),
    /^Reshape 'blocks\/Reshape' keeps .* more than one size would have to stay open/,
  );
});

/** Reshape, transpose and reshape of 2x2 blocks into channels. */
const intoDepth = [
  node('Reshape', ['features', 'apart'], ['blocks']),
  node('Transpose', ['blocks'], ['turned'], { perm: [0, 3, 5, 1, 2, 4] }),
];
const depthTargets = (columns: number, rows: number, batch: number) => [
  ints('apart', batch, 4, rows / 2, 2, columns / 2, 2),
  ints('together', batch, 16, rows / 2, columns / 2),
];

test('a space to depth follows where a convolution behind it knows how many channels there are', async (t) => {
  const nodes = [
    ...intoDepth,
    node('Reshape', ['turned', 'together'], ['deep']),
    node('Conv', ['deep', 'mix'], ['output']),
  ];
  const mix = floatTensor('mix', [5, 16, 1, 1], noise(80, 3));
  await follows(
    t,
    exporter(nodes, (columns, rows, batch) => [...depthTargets(columns, rows, batch), mix]),
    UNAMBIGUOUS,
  );
});

test('a space to depth that nothing behind it tells from its opposite is refused with both readings', (t) => {
  const nodes = [...intoDepth, node('Reshape', ['turned', 'together'], ['output'])];
  const message = refusal(t, exporter(nodes, depthTargets)(8, 8), { width: 8, height: 16 });
  t.regex(
    message,
    /^Reshape 'blocks\/Reshape' .* several things: .*-> \[0, 4, 4, 2, 2, 2\] or .*-> \[0, 4, 2, 4, 2, 2\]/,
  );
  t.regex(message, /the graph does not tell which/);
});

test('a fixed number of cells follows too: the same literals, and a layer of that many inputs', async (t) => {
  // As grids of MaxViT: 2x2 cells, whatever the size; here the mean over a cell, and a layer over the cells.
  const nodes = [
    node('Reshape', ['features', 'apart'], ['blocks']),
    node('ReduceMean', ['blocks'], ['cells'], { axes: [3, 5], keepdims: 0 }),
    node('Reshape', ['cells', 'together'], ['row']),
    node('MatMul', ['row', 'mix'], ['output']),
  ];
  const mix = floatTensor('mix', [4, 3], noise(12, 5));
  await follows(
    t,
    exporter(nodes, (columns, rows, batch) => [
      ints('apart', batch, 4, 2, rows / 2, 2, columns / 2),
      ints('together', batch, 4, 4),
      mix,
    ]),
    UNAMBIGUOUS,
  );
});

/** Cells as a sequence and back, as transformers have it. */
const sequence = [
  node('Reshape', ['features', 'flat'], ['cells']),
  node('Transpose', ['cells'], ['tokens'], { perm: [0, 2, 1] }),
  node('MatMul', ['tokens', 'mix'], ['mixed']),
  node('Transpose', ['mixed'], ['turned'], { perm: [0, 2, 1] }),
];
const sequenceTargets = (columns: number, rows: number, batch: number) => [
  ints('flat', batch, 4, rows * columns),
  ints('map', batch, 4, rows, columns),
  floatTensor('mix', [4, 4], noise(16, 7)),
];

test('a sequence becomes rows and columns again where it is added to what it was', async (t) => {
  const nodes = [
    ...sequence,
    node('Reshape', ['turned', 'map'], ['back']),
    node('Add', ['back', 'features'], ['output']),
  ];
  const exportFor = exporter(nodes, sequenceTargets);
  await follows(t, exportFor);
  // The same number of cells, in other rows.
  await answersAsExportedFor(t, exportFor(16, 8), { width: 8, height: 16 }, exportFor);
});

test('a sequence that nothing tells the rows and columns of is refused, even where as many cells are left', (t) => {
  const nodes = [...sequence, node('Reshape', ['turned', 'map'], ['output'])];
  const exportFor = exporter(nodes, sequenceTargets);
  t.regex(refusal(t, exportFor(8, 8), { width: 16, height: 16 }), /^Reshape 'output\/Reshape' .* does not tell which/);
  t.regex(refusal(t, exportFor(16, 8), { width: 8, height: 16 }), /\[0, 4, 4, 8\] or .*\[0, 4, 8, 4\]/);
});

test('rows that are left open beside columns of the export are told apart from a literal that stays', async (t) => {
  const exportFor = (nodes: readonly NodeProto[]) =>
    exporter([...sequence, ...nodes], (columns, rows, batch) => [
      ...sequenceTargets(columns, rows, batch),
      ints('open', 0, 4, -1, columns),
    ]);
  const added = exportFor([
    node('Reshape', ['turned', 'open'], ['back']),
    node('Add', ['back', 'features'], ['output']),
  ]);
  await answersAsExportedFor(t, added(16, 8), { width: 8, height: 16 }, added);
  const alone = exportFor([node('Reshape', ['turned', 'open'], ['output'])]);
  t.regex(refusal(t, alone(16, 8), { width: 8, height: 16 }), /\[0, 4, -1, 8\] or .*\[0, 4, -1, 4\], .* does not tell/);
});

test('two Reshapes in a row that nothing tells the meaning of are refused at the first', (t) => {
  const nodes = [
    ...intoDepth,
    node('Reshape', ['turned', 'together'], ['deep']),
    node('Reshape', ['deep', 'again'], ['output']),
  ];
  const model = exporter(nodes, (columns, rows, batch) => [
    ...depthTargets(columns, rows, batch),
    ints('again', batch, 16, rows / 4, 2, columns / 4, 2),
  ])(16, 16);
  const message = refusal(t, model, { width: 16, height: 32 });
  t.regex(message, /^Reshape 'blocks\/Reshape' .* the graph does not tell which/);
});

test('a channel shuffle follows, with height and width open as well', async (t) => {
  const nodes = [
    node('Reshape', ['features', 'apart'], ['groups']),
    node('Transpose', ['groups'], ['turned'], { perm: [0, 2, 1, 3] }),
    node('Reshape', ['turned', 'together'], ['output']),
  ];
  const exportFor = exporter(nodes, (columns, rows, batch) => [
    ints('apart', batch, 2, 2, rows * columns),
    ints('together', batch, 4, rows * columns),
  ]);
  await follows(t, exportFor);
  const ranges = { height: { min: 8, opt: 8, max: 16 }, width: { min: 4, opt: 8, max: 24 } };
  const { model } = rewriteModel(exportFor(8, 8), { ...SIZE, ranges });
  for (const size of OTHERS) await answersAlike(t, model, exportFor(size.width, size.height), size);
});

test('a Flatten in front of a layer follows batches, and refuses sizes by the name of the layer', async (t) => {
  const nodes = [node('Flatten', ['features'], ['flat']), node('MatMul', ['flat', 'matrix'], ['output'])];
  const exportFor = exporter(nodes, () => [floatTensor('matrix', [64, 2], noise(128))]);
  await answersAsOneByOne(t, exportFor(8, 8));
  t.notThrows(() => rewriteModel(exportFor(8, 8, 4), SIZE));
  t.regex(refusal(t, exportFor(8, 8, 4), { width: 16, height: 8 }), /^MatMul 'output\/MatMul' .*at 16x8/);
});

test('an open dim of the export decides where several readings would do', async (t) => {
  const nodes = [node('Flatten', ['features'], ['flat']), node('Reshape', ['flat', 'target'], ['output'])];
  const exportFor = (columns: number) =>
    exporter(nodes, (_columns, _rows, batch) => [ints('target', batch, -1, columns)]);
  await follows(t, exportFor(2));
  t.regex(
    refusal(t, exporter(nodes, () => [ints('target', 1, 32, 2)])(8, 8), { width: 16, height: 8 }),
    /\[0, 64, 2\] or .*\[0, 32, 4\]/,
  );
});

test('windows that are folded into the batch, as literals, come out of it again', async (t) => {
  // As Swin has them: 2x2 windows, a layer over the cells of each, and back.
  const nodes = [
    node('Reshape', ['features', 'apart'], ['blocks']),
    node('Transpose', ['blocks'], ['turned'], { perm: [0, 2, 4, 1, 3, 5] }),
    node('Reshape', ['turned', 'fold'], ['windows']),
    node('MatMul', ['windows', 'mix'], ['mixed']),
    node('Reshape', ['mixed', 'unfold'], ['back']),
    node('Transpose', ['back'], ['in place'], { perm: [0, 3, 1, 4, 2, 5] }),
    node('Reshape', ['in place', 'map'], ['whole']),
    node('Add', ['whole', 'features'], ['output']),
  ];
  const mix = floatTensor('mix', [4, 4], noise(16, 9));
  const exportFor = exporter(nodes, (columns, rows, batch) => [
    ints('apart', batch, 4, rows / 2, 2, columns / 2, 2),
    ints('fold', (batch * rows * columns) / 4, 4, 4),
    ints('unfold', batch, rows / 2, columns / 2, 4, 2, 2),
    ints('map', batch, 4, rows, columns),
    mix,
  ]);
  await follows(t, exportFor, UNAMBIGUOUS);
  const { changes } = rewriteModel(exportFor(8, 8), { width: 24, height: 16 });
  t.deepEqual(
    changes.filter((change) => change.startsWith('Reshape')),
    [
      "Reshape 'blocks/Reshape': target [1, 4, 2, 2, 2, 2] -> [0, 4, 4, 2, 6, 2]",
      "Reshape 'windows/Reshape': target [4, 4, 4] -> [-1, 4, 4]",
      "Reshape 'back/Reshape': target [1, 2, 2, 4, 2, 2] -> [-1, 4, 6, 4, 2, 2]",
      "Reshape 'whole/Reshape': target [1, 4, 4, 4] -> [0, 4, 8, 12]",
    ],
  );
});

test('an output whose rows are not pictures is refused, whatever a Reshape folds into them', (t) => {
  const nodes = [node('Reshape', ['features', 'target'], ['output'])];
  const model = convThen(nodes, [ints('target', 12, 32)], { input: [6, 3, 8, 8] });
  t.regex(refusal(t, model), /^Output 'output' is \[\?, 32\] with several rows a picture: its first dim must be/);
});
