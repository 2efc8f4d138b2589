import test from 'ava';
import type { ValueInfoProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { doctor, type DoctorOptions } from '../../server/onnx/doctor/doctor.js';
import { declaredShape, type OnnxModel } from '../../server/onnx/graph.js';
import { ANCHORS } from '../../server/onnx/yolo-heads.js';
import { byRule, finds, fixes, type Answer } from './doctor-checks.js';
import { CLASSES, detector, map, SIZE, STRIDES, VALUES, yolov8, type Part } from './detectors.js';
import { convThen } from './models.js';
import { ints } from './rewriting.js';
import type { Output } from './run-model.js';

/** R7: the outputs of detectors. Networks of one convolution a stride, on pictures of 64x64. */

/** Three heads [N, 3 * (5 + C), h, w], or, laid out by a Reshape and a Transpose, [N, 3, h, w, 5 + C]. */
function rawHeads(form: 'maps' | 'cells', strides: readonly number[] = STRIDES, opset = 17): OnnxModel {
  const parts = strides.map((stride): Part => {
    const made = map(`head${stride}`, stride, 3 * VALUES);
    if (form === 'maps') return made;
    const cells = SIZE / stride;
    return {
      nodes: [
        ...made.nodes,
        node('Reshape', [`head${stride}`, `shape${stride}`], [`split${stride}`]),
        node('Transpose', [`split${stride}`], [`raw${stride}`], { perm: [0, 1, 3, 4, 2] }),
      ],
      constants: [...made.constants, ints(`shape${stride}`, -1, 3, VALUES, cells, cells)],
    };
  });
  const outputs = strides.map((stride) => {
    const cells = SIZE / stride;
    return form === 'maps'
      ? valueInfo(`head${stride}`, ['batch', 3 * VALUES, cells, cells])
      : valueInfo(`raw${stride}`, ['batch', 3, cells, cells, VALUES]);
  });
  return detector(parts, outputs, opset);
}

const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));

/** The decoding of YOLOv5 from its definition, number by number: rows of head, anchor, row, column. */
function decode(answers: readonly Answer[], anchors: readonly number[]): Output[] {
  const rows: number[] = [];
  for (const [level, { dims, data }] of answers.entries()) {
    const isMaps = dims.length === 4;
    const [height = 0, width = 0] = dims.slice(2, 4);
    const stride = SIZE / height;
    for (let anchor = 0; anchor < 3; anchor++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const at = (value: number) =>
            isMaps
              ? ((anchor * VALUES + value) * height + y) * width + x
              : ((anchor * height + y) * width + x) * VALUES + value;
          const score = (value: number) => sigmoid(data[at(value)] ?? NaN);
          const side = (axis: number) => anchors[(level * 3 + anchor) * 2 + axis] ?? NaN;
          rows.push((2 * score(0) - 0.5 + x) * stride, (2 * score(1) - 0.5 + y) * stride);
          rows.push((2 * score(2)) ** 2 * side(0), (2 * score(3)) ** 2 * side(1));
          for (let value = 4; value < VALUES; value++) rows.push(score(value));
        }
      }
    }
  }
  return [{ dims: [1, rows.length / VALUES, VALUES], data: Float32Array.from(rows) }];
}

/** What config.yaml and labels.txt say of such a network. */
const LABELLED: DoctorOptions = {
  serving: { task: 'yolov5', labels: CLASSES, normalises: true, int8: false, calibrated: false },
};

for (const form of ['maps', 'cells'] as const) {
  // Five numbers in one dim can only be a row; that many channels may be anything.
  const options = form === 'maps' ? LABELLED : {};
  for (const opset of [11, 17]) {
    test(`R7: raw heads as ${form} are decoded and merged (opset ${opset})`, (t) => {
      const model = rawHeads(form, STRIDES, opset);
      const label = form === 'maps' ? "Conv 'head8/Conv'" : "Transpose 'raw8/Transpose'";
      finds(
        t,
        model,
        { rule: 'R7', severity: 'warning', node: label, fixable: true, mendedAtLoad: false },
        /3 heads come out one by one/,
        options,
      );
      const { model: fixed } = fixes(t, model, {
        rule: 'R7',
        expected: (before) => decode(before, ANCHORS.p5),
        tolerance: 1e-5,
        options,
      });
      t.deepEqual(fixed.graph.output.map(declaredShape), [['batch', 3 * (64 + 16 + 4), VALUES]]);
      t.regex(byRule(doctor(fixed), 'R8')[0]?.message ?? '', /252 rows of 7: 3 a cell at strides 8, 16, 32/);
    });
  }
}

test('R7: four heads are decoded with the anchors of P6, or with those that are given', (t) => {
  const model = rawHeads('maps', [8, 16, 32, 64]);
  const expected = (anchors: readonly number[]) => (before: readonly Answer[]) => decode(before, anchors);
  fixes(t, model, { rule: 'R7', expected: expected(ANCHORS.p6), tolerance: 1e-5, options: LABELLED });
  const anchors = Array.from({ length: 24 }, (_, index) => 3 + 5 * index);
  fixes(t, model, { rule: 'R7', expected: expected(anchors), tolerance: 1e-5, options: { anchors } });
});

test('R7: behind a Focus layer that was cut off, strides count in the picture in front of it', (t) => {
  const parts = STRIDES.map((stride) => map(`head${stride}`, stride / 2, 3 * VALUES, 12));
  const outputs = STRIDES.map((stride) =>
    valueInfo(`head${stride}`, ['batch', 3 * VALUES, SIZE / stride, SIZE / stride]),
  );
  const model = detector(parts, outputs, 17, [12, SIZE / 2, SIZE / 2]);
  const expected = (before: readonly Answer[]) => decode(before, ANCHORS.p5);
  fixes(t, model, { rule: 'R7', expected, tolerance: 1e-5, options: LABELLED });
});

test('R7: heads for which no anchors are known are left alone', (t) => {
  const model = rawHeads('maps', [8, 16]);
  finds(t, model, { rule: 'R7', fixable: false }, /2 heads come out/);
  const [finding] = byRule(doctor(model), 'R7');
  t.regex(finding?.fix ?? '', /--fix with --anchors \(p5, p6 or 6 widths and heights\)/);
  const anchors = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
  fixes(t, model, { rule: 'R7', options: { anchors }, expected: (before) => decode(before, anchors), tolerance: 1e-5 });
});

test('R7: maps whose classes nobody knows, and heads behind an activation, are not taken for those of YOLOv5', (t) => {
  finds(t, rawHeads('maps'), { rule: 'R7', severity: 'warning', fixable: false }, /3 heads come out/);
  const model = rawHeads('cells');
  const activated = model.graph.output.map(({ name }) => node('Sigmoid', [name], [`${name}.scores`]));
  model.graph.node.push(...activated);
  model.graph.output = model.graph.output.map((output) => ({ ...output, name: `${output.name}.scores` }));
  finds(t, model, { rule: 'R7', severity: 'warning', fixable: false }, /3 heads come out/, { anchors: ANCHORS.p5 });
});

function turned([output]: readonly Answer[]): Output[] {
  const [, values = 0, rows = 0] = output?.dims ?? [];
  const data = Float32Array.from({ length: values * rows }, (_, index) => {
    return output?.data[(index % values) * rows + Math.floor(index / values)] ?? NaN;
  });
  return [{ dims: [1, rows, values], data }];
}

test('R7: the output of YOLOv8 is told of, and turned round by the fix', (t) => {
  const model = yolov8(false);
  finds(
    t,
    model,
    { rule: 'R7', severity: 'info', node: "Concat 'output0/Concat'", fixable: true },
    /values before rows: \[batch, 6, 84\]/,
  );
  finds(
    t,
    model,
    { rule: 'R8', severity: 'info' },
    /84 rows of 6: 1 a cell at strides 8, 16, 32 at 64x64, as YOLOv8 and 11/,
  );
  const { model: fixed } = fixes(t, model, { rule: 'R7', expected: turned });
  t.deepEqual(
    fixed.graph.output.map((output) => [output.name, declaredShape(output)]),
    [['output0', ['batch', 84, 6]]],
  );
});

test('R7: maps that only training needs are dropped', (t) => {
  const model = yolov8(true);
  const [warning, note, ...others] = byRule(doctor(model), 'R7');
  t.like(warning, { severity: 'warning', node: "Conv 'head8/Conv'", fixable: true });
  t.regex(warning?.message ?? '', /beside the rows, 3 maps are given out: 'head8' \[batch, 6, 8, 8\]/);
  t.like(note, { severity: 'info' });
  t.deepEqual(others, []);
  fixes(t, model, { rule: 'R7', expected: turned });
});

test('R7: nodes whose results nobody takes are dropped', (t) => {
  const model = convThen([node('Relu', ['features'], ['idle']), node('Tanh', ['features'], ['output'])], [], {
    input: ['batch', 3, 8, 8],
  });
  finds(
    t,
    model,
    { rule: 'R7', severity: 'info', node: "Relu 'idle/Relu'", fixable: true },
    /results of 1 nodes are taken by nobody/,
  );
  fixes(t, model, { rule: 'R7' });
});

test('R7: outputs that the exporter has numbered', (t) => {
  const model = makeModel({
    name: 'numbered',
    nodes: [...map('537', 8, 4).nodes],
    initializers: map('537', 8, 4).constants,
    inputs: [valueInfo('images', ['batch', 3, 64, 64])],
    outputs: [valueInfo('537', ['batch', 4, 8, 8])],
  });
  finds(
    t,
    model,
    { rule: 'R7', severity: 'info', node: null, fixable: false },
    /numbers of the exporter for names: '537'/,
  );
});

test('R7: the nine outputs of SCRFD are left as they are', (t) => {
  const parts: Part[] = [];
  const outputs: ValueInfoProto[] = [];
  for (const width of [1, 4, 10]) {
    for (const stride of STRIDES) {
      const [name, made] = [`map${width}.${stride}`, map(`map${width}.${stride}`, stride, 2 * width)];
      const rows = 2 * (SIZE / stride) ** 2;
      parts.push({
        nodes: [
          ...made.nodes,
          node('Transpose', [name], [`${name}.last`], { perm: [0, 2, 3, 1] }),
          node('Reshape', [`${name}.last`, `${name}.shape`], [`out${width}.${stride}`]),
        ],
        constants: [...made.constants, ints(`${name}.shape`, -1, rows, width)],
      });
      outputs.push(valueInfo(`out${width}.${stride}`, ['batch', rows, width]));
    }
  }
  const model = detector(parts, outputs);
  finds(t, model, { rule: 'R7', severity: 'info', fixable: false, fix: null }, /nine outputs, as the authors of SCRFD/);
});
