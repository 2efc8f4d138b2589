import test from 'ava';
import { node, valueInfo } from '../../server/onnx/builder.js';
import { doctor } from '../../server/onnx/doctor/doctor.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { ANCHORS } from '../../server/onnx/yolo-heads.js';
import { byRule, finds } from './doctor-checks.js';
import { detector, map, yolov8 } from './detectors.js';
import { ints } from './rewriting.js';

/** R8 and R17: the rows of detectors, their classes and their anchors. */

/** One output of rows by values, by no network in particular. */
function table(rows: number, values: number): OnnxModel {
  const made = map('map', 32, (rows * values) / 4);
  return detector(
    [
      {
        nodes: [...made.nodes, node('Reshape', ['map', 'shape'], ['output'])],
        constants: [...made.constants, ints('shape', -1, rows, values)],
      },
    ],
    [valueInfo('output', ['batch', rows, values])],
  );
}

test('R8: rows that no strides explain', (t) => {
  finds(t, table(100, 8), { rule: 'R8', severity: 'warning' }, /has 100 rows, which no detector of strides/);
  finds(
    t,
    table(252, 8),
    { rule: 'R8', severity: 'info' },
    /3 a cell at strides 8, 16, 32 at 64x64, as YOLOv3, 5 and 7/,
  );
  finds(t, table(84, 8), { rule: 'R8', severity: 'info' }, /1 a cell .*YOLOX/);
  // Too few for a detector, and the maps of one stride: CenterNet's, and one of SCRFD's nine.
  for (const rows of [20, 256, 128]) t.deepEqual(byRule(doctor(table(rows, 8)), 'R8'), []);
});

test('R8: classes that the labels do not match', (t) => {
  const serving = { task: 'yolov5', labels: 80, normalises: true, int8: false, calibrated: false };
  const findings = byRule(doctor(table(252, 8), { serving }), 'R8');
  t.like(findings[0], { severity: 'warning', message: "output 'output' has 3 classes, and the labels file 80 names" });
  t.is(byRule(doctor(table(252, 8), { serving: { ...serving, labels: 3 } }), 'R8').length, 1);
  t.is(byRule(doctor(table(84, 8), { serving: { ...serving, task: 'yolov8', labels: 4 } }), 'R8').length, 1);
});

/** A network that multiplies by anchors, as decoders in the graph do. */
function withAnchors(anchors: readonly number[]): OnnxModel {
  const made = map('head', 8, 6);
  return detector(
    [
      {
        nodes: [
          ...made.nodes,
          node('Reshape', ['head', 'shape'], ['split']),
          node('Transpose', ['split'], ['cells'], { perm: [0, 1, 3, 4, 2] }),
          node('Mul', ['cells', 'anchor_grid'], ['output']),
        ],
        constants: [
          ...made.constants,
          ints('shape', -1, 3, 2, 8, 8),
          floatTensor('anchor_grid', [1, 3, 1, 1, 2], Float32Array.from(anchors)),
        ],
      },
    ],
    [valueInfo('output', ['batch', 3, 8, 8, 2])],
  );
}

test('R17: anchors that decoders know, and others', (t) => {
  finds(
    t,
    withAnchors(ANCHORS.p5.slice(0, 6)),
    { rule: 'R17', severity: 'info' },
    /'anchor_grid'\) are those of YOLOv5 P5/,
  );
  finds(t, withAnchors(ANCHORS.p6.slice(6, 12)), { rule: 'R17' }, /those of YOLOv5 P6/);
  const inCells = ANCHORS.p5.slice(6, 12).map((side) => side / 16);
  finds(t, withAnchors(inCells), { rule: 'R17' }, /those of YOLOv5 P5/);
  finds(
    t,
    withAnchors([9, 11, 20, 21, 40, 39]),
    { rule: 'R17', severity: 'info' },
    /anchors of its own: 'anchor_grid' with 9,11,20,21,40,39/,
  );
  t.deepEqual(byRule(doctor(yolov8(false)), 'R17'), []);
});
