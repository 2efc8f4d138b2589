import test from 'ava';
import type { NodeProto, TensorProto } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { doctor } from '../../server/onnx/doctor/doctor.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { floatTensor } from '../../server/onnx/tensor.js';
import { byRule, finds, fixes } from './doctor-checks.js';
import { convThen } from './models.js';
import { noise } from './run-model.js';

/** R15 and R16: the size of the picture, and what the graph does with it first and last. */

const OPEN = ['batch', 3, 8, 8] as const;
const open = (nodes: readonly NodeProto[], constants: readonly TensorProto[] = [], opset = 17) =>
  convThen(nodes, constants, { input: OPEN, opset });
const numbers = (name: string, ...values: number[]) => floatTensor(name, [values.length], Float32Array.from(values));
const scalar = (name: string, value: number) => floatTensor(name, [], Float32Array.of(value));

const POINTWISE = floatTensor('kernel', [4, 4, 1, 1], noise(16));

/** Down to a 16th, and up again beside what came on the way: 40 pixels are 20, 10, 5 and 3. */
function pyramid(side: number): OnnxModel {
  const down = (input: string, output: string) =>
    node('Conv', [input, 'kernel'], [output], { strides: [2, 2], pads: [0, 0, 0, 0] });
  return convThen(
    [
      down('features', 'a'),
      down('a', 'b'),
      down('b', 'c'),
      node('Resize', ['c', '', 'scales'], ['up'], { mode: 'nearest' }),
      node('GlobalAveragePool', ['up'], ['u']),
      node('Add', ['b', 'u'], ['output']),
    ],
    [POINTWISE, numbers('scales', 1, 1, 2, 2)],
    { input: ['batch', 3, side, side] },
  );
}

test('R15: a size that is no multiple of the largest stride', (t) => {
  finds(
    t,
    pyramid(40),
    { rule: 'R15', severity: 'warning', node: null, fixable: false },
    /40x40 is no multiple of 16, the largest stride/,
  );
  t.deepEqual(byRule(doctor(pyramid(48)), 'R15'), []);
  finds(t, pyramid(48), { rule: 'R15' }, /48x40 is no multiple/, { height: 40 });
  const flat = convThen([node('Relu', ['features'], ['output'])], [], { input: ['batch', 3, 9, 9] });
  finds(t, flat, { rule: 'R15', severity: 'info' }, /9x9 is no multiple of 2/);
});

/** A network that scales its picture first. */
function scaling(): OnnxModel {
  return makeModel({
    name: 'scaling',
    nodes: [node('Div', ['input', 'most'], ['pixels']), node('Relu', ['pixels'], ['output'])],
    inputs: [valueInfo('input', OPEN)],
    outputs: [valueInfo('output', OPEN)],
    initializers: [scalar('most', 255)],
  });
}

test('R16: pictures that are scaled in the graph, and again by the configuration', (t) => {
  const at = "Div 'pixels/Div'";
  finds(t, scaling(), { rule: 'R16', severity: 'info', node: at }, /the graph scales the picture itself$/);
  const serving = { task: 'embedding', labels: 0, normalises: true, int8: false, calibrated: false };
  finds(t, scaling(), { rule: 'R16', severity: 'warning', node: at }, /and config\.yaml does so too/, { serving });
});

test('R16: scores that come out of an activation', (t) => {
  const model = open([node('Sigmoid', ['features'], ['scores']), node('Flatten', ['scores'], ['output'])]);
  finds(t, model, { rule: 'R16', severity: 'info', node: "Sigmoid 'scores/Sigmoid'" }, /'output' comes out of Sigmoid/);
});

test('R16: pictures with their channels last, which the graph turns round first', (t) => {
  const network = () => convThen([node('Relu', ['features'], ['output'])], [], { input: OPEN });
  const model = network();
  model.graph.input = [valueInfo('pictures', ['batch', 8, 8, 3])];
  model.graph.node.unshift(node('Transpose', ['pictures'], ['input'], { perm: [0, 3, 1, 2] }));
  const expected = { rule: 'R16', severity: 'info', node: "Transpose 'input/Transpose'", fixable: true } as const;
  finds(t, model, { ...expected, place: 'node 1 of 3' }, /has its channels last/);
  const { model: fixed } = fixes(t, model, { rule: 'R16', original: network() });
  t.deepEqual(
    fixed.graph.node.map(({ opType }) => opType),
    ['Conv', 'Relu'],
  );
});
