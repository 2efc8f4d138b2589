import test from 'ava';
import { loadNative } from '../../server/runtime/native.js';

const native = loadNative();

/** What JavaScript may hand over, whatever the types say. */
type Fields = Readonly<Record<string, unknown>>;

const SOURCE: Fields = { data: new Uint8Array(4 * 3 * 3), format: 'rgb8', width: 4, height: 3, stride: 12 };
const NORMALIZATION: Fields = { color: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] };
const OPTIONS: Fields = {
  matrix: [1, 0, 0, 0, 1, 0],
  width: 2,
  height: 2,
  border: 'constant',
  pad: 0,
  window: null,
  area: null,
  focus: false,
  normalization: NORMALIZATION,
  threads: 1,
};

function warp(source: unknown, options: unknown, out: unknown = new Float32Array(12), offset: unknown = 0): void {
  native.warpNormalize(source as never, options as never, out as never, offset as never);
}

const windowOf = (left: number, top: number, right: number, bottom: number) => ({
  window: { left, top, right, bottom },
});
const areaOf = (left: number, top: number, right: number, bottom: number) => ({
  area: { left, top, right, bottom },
});

const wrongSources: [Fields, string, typeof RangeError | typeof TypeError][] = [
  [{ data: new Uint8Array(35) }, 'source.data has 35 bytes', RangeError],
  [{ data: new Uint8Array(0) }, 'source.data has 0 bytes', RangeError],
  [{ data: new Float32Array(36) }, 'source.data must be a Uint8Array', TypeError],
  [{ data: [1, 2, 3] }, 'source.data must be a Uint8Array', TypeError],
  [{ data: null }, 'source.data must be a Uint8Array', TypeError],
  [{ format: 'yuyv' }, "source.format must be 'rgb8', 'bgr8', 'gray8' or 'nv12'", TypeError],
  [{ format: 7 }, 'source.format must be a string', TypeError],
  [{ format: 'nv12' }, 'source.data has 36 bytes', RangeError],
  [{ width: 0 }, 'source.width is 0', RangeError],
  [{ width: -4 }, 'source.width is -4', RangeError],
  [{ width: 32769 }, 'source.width is 32769', RangeError],
  [{ width: 2 ** 40 }, 'source.width does not fit', RangeError],
  [{ width: 1.5 }, 'source.width must be an integer', TypeError],
  [{ width: NaN }, 'source.width must be an integer', TypeError],
  [{ width: '4' }, 'source.width must be a number', TypeError],
  [{ height: 0 }, 'source.height is 0', RangeError],
  [{ height: 32769 }, 'source.height is 32769', RangeError],
  [{ stride: 11 }, 'source.stride is 11', RangeError],
  [{ stride: 13 }, 'source.data has 36 bytes', RangeError],
  [{ stride: -12 }, 'source.stride is -12', RangeError],
  [{ stride: 2 ** 53 - 1 }, 'source.stride is 9007199254740991', RangeError],
  [{ stride: 2 ** 60 }, 'source.stride must be an integer', TypeError],
];

for (const [fields, message, error] of wrongSources) {
  test(`a source with ${show(fields)} is refused: ${message}`, (t) => {
    const thrown = t.throws(() => warp({ ...SOURCE, ...fields }, OPTIONS), { instanceOf: error });
    t.true(thrown.message.startsWith(message), thrown.message);
  });
}

const wrongOptions: [Fields, string, typeof RangeError | typeof TypeError][] = [
  [{ matrix: [1, 0, 0, 0, 1] }, 'options.matrix must be an array of 6 numbers', TypeError],
  [{ matrix: null }, 'options.matrix must be an array', TypeError],
  [{ matrix: [1, 0, 0, 0, 1, 'x'] }, 'options.matrix[5] must be a number', TypeError],
  [{ matrix: [1, 0, NaN, 0, 1, 0] }, 'options.matrix[2] is nan', RangeError],
  [{ matrix: [1, 0, 0, 0, -Infinity, 0] }, 'options.matrix[4] is -inf', RangeError],
  [{ width: 0 }, 'options.width is 0', RangeError],
  [{ width: 32769 }, 'options.width is 32769', RangeError],
  [{ height: -1 }, 'options.height is -1', RangeError],
  [{ height: 3 }, 'out has 12 values from offset on; 3x3x2 need 18', RangeError],
  [{ border: 'reflect' }, "options.border must be 'constant' or 'replicate'", TypeError],
  [{ pad: 256 }, 'options.pad is 256', RangeError],
  [{ pad: NaN }, 'options.pad is nan', RangeError],
  [{ window: undefined }, 'options.window must be an object', TypeError],
  [windowOf(0, 0, 5, 3), 'options.window (0, 0)-(5, 3)', RangeError],
  [windowOf(-1, 0, 4, 3), 'options.window (-1, 0)-(4, 3)', RangeError],
  [windowOf(2, 0, 2, 3), 'options.window (2, 0)-(2, 3)', RangeError],
  [windowOf(0, 0, 1.5, 3), 'options.window.right must be an integer', TypeError],
  [{ area: undefined }, 'options.area must be an object', TypeError],
  [
    areaOf(0, 0, 3, 2),
    'options.area (0, 0)-(3, 2) must hold a pixel and lie within the destination of 2x2',
    RangeError,
  ],
  [areaOf(0, -1, 2, 2), 'options.area (0, -1)-(2, 2)', RangeError],
  [areaOf(1, 0, 1, 2), 'options.area (1, 0)-(1, 2)', RangeError],
  [{ focus: 1 }, 'options.focus must be', TypeError],
  [{ focus: true, height: 1 }, 'options.focus needs an even width and height; they are 2x1', RangeError],
  [{ focus: true, width: 1 }, 'options.focus needs an even width and height; they are 1x2', RangeError],
  [
    { normalization: { ...NORMALIZATION, color: 'hsv' } },
    "options.normalization.color must be 'rgb', 'bgr' or 'gray'",
    TypeError,
  ],
  [{ normalization: { ...NORMALIZATION, scale: Infinity } }, 'options.normalization.scale must be finite', RangeError],
  [
    { normalization: { ...NORMALIZATION, mean: [0, 0] } },
    'options.normalization.mean must be an array of 3',
    TypeError,
  ],
  [
    { normalization: { ...NORMALIZATION, mean: [0, NaN, 0] } },
    'options.normalization.mean[1] must be finite',
    RangeError,
  ],
  [{ normalization: { ...NORMALIZATION, std: [1, 1, 0] } }, 'options.normalization.std[2] is 0', RangeError],
  [{ normalization: { ...NORMALIZATION, std: [1e-300, 1, 1] } }, 'options.normalization.std[0] is 1e-300', RangeError],
  [{ threads: 0 }, 'options.threads is 0', RangeError],
  [{ threads: 257 }, 'options.threads is 257', RangeError],
];

for (const [fields, message, error] of wrongOptions) {
  test(`options with ${show(fields)} are refused: ${message}`, (t) => {
    const thrown = t.throws(() => warp(SOURCE, { ...OPTIONS, ...fields }), { instanceOf: error });
    t.true(thrown.message.startsWith(message), thrown.message);
  });
}

test('an offset or an array that the values do not fit is refused', (t) => {
  const out = new Float32Array(12);
  t.throws(() => warp(SOURCE, OPTIONS, out, 1), {
    instanceOf: RangeError,
    message: /^out has 11 values from offset on/,
  });
  t.throws(() => warp(SOURCE, OPTIONS, out, -1), { instanceOf: RangeError, message: /^offset is -1/ });
  t.throws(() => warp(SOURCE, OPTIONS, out, 13), { instanceOf: RangeError, message: /^offset is 13/ });
  t.throws(() => warp(SOURCE, OPTIONS, out, 0.5), { instanceOf: TypeError, message: /^offset must be an integer/ });
  t.throws(() => warp(SOURCE, OPTIONS, out, null), { instanceOf: TypeError, message: /^offset must be a number/ });
  t.throws(() => warp(SOURCE, OPTIONS, new Float64Array(12)), {
    instanceOf: TypeError,
    message: /^out must be a Float32/,
  });
  t.throws(() => warp(undefined, OPTIONS), { instanceOf: TypeError, message: /^source must be an object/ });
  t.throws(() => warp(SOURCE, undefined), { instanceOf: TypeError, message: /^options must be an object/ });
});

test('memory that a getter detaches while the arguments are read is not touched', (t) => {
  const out = new Float32Array(12);
  const source = {
    ...SOURCE,
    get data() {
      structuredClone(out.buffer, { transfer: [out.buffer] });
      return SOURCE['data'];
    },
  };
  t.throws(() => warp(source, OPTIONS, out), { instanceOf: RangeError, message: /^out has 0 values/ });
});

test('an error that a getter throws passes through', (t) => {
  const options = {
    ...OPTIONS,
    get pad() {
      throw new SyntaxError('mine');
    },
  };
  t.throws(() => warp(SOURCE, options), { instanceOf: SyntaxError, message: 'mine' });
});

test('boxes and suppression options that make no sense are refused', (t) => {
  const nms = (boxes: unknown, options: unknown) => () => native.nms(boxes as never, options as never);
  const good = { rule: 'fast', iouThreshold: 0.5 };
  const none = new Float32Array(0);
  t.throws(nms(new Float32Array(7), good), { instanceOf: RangeError, message: /^boxes has 7 values/ });
  t.throws(nms([1, 2], good), { instanceOf: TypeError, message: /^boxes must be a Float32Array/ });
  t.throws(nms(none, { ...good, rule: 'soft' }), { instanceOf: TypeError, message: /^options.rule must be 'fast'/ });
  t.throws(nms(none, { ...good, iouThreshold: 1.1 }), {
    instanceOf: RangeError,
    message: /^options.iouThreshold is 1.1/,
  });
  t.throws(nms(none, { ...good, iouThreshold: NaN }), { instanceOf: RangeError, message: /^options.iouThreshold is/ });
  t.throws(nms(none, {}), { instanceOf: TypeError, message: /^options.rule must be a string/ });
});

/** YOLOv5's rows of two classes. */
const SPEC: Fields = {
  task: 'yolov5',
  width: 64,
  height: 32,
  strides: [],
  anchors: [],
  keyPoints: 0,
  logits: false,
  labels: 0,
  nmsRule: 'fast',
  classAgnostic: false,
  maxDetections: 10,
};

function open(fields: Fields, ...shapes: number[][]) {
  const outputs = shapes.map((shape, index) => ({ name: `output${index}`, shape }));
  return native.openDetections({ ...SPEC, ...fields } as never, outputs);
}

for (const [task, fields, shapes, message] of [
  ['centerface', {}, [[1, 8, 16]], 'expected [1,1,8,16] [1,2,8,16] [1,2,8,16] [1,10,8,16], found [1,1,8,16]'],
  ['yolov5', {}, [], 'expected [1,A,5+C], found none'],
  ['yolov5', {}, [[100, 5]], 'expected [1,A,5+C], found [1,100,5]'],
  ['yolox', {}, [[3, 4, 8, 7], [100]], 'expected [1,A,5+C], found [1,3,4,8,7] [1,100]'],
  ['yolov5_raw', {}, [[3, 7, 44]], 'expected [1,3,5+C,42], found [1,3,7,44]'],
  ['yolov5_raw', { strides: [8], anchors: [[1, 2]] }, [[3, 7, 32]], 'expected [1,1,5+C,32], found [1,3,7,32]'],
  ['yolox_raw', {}, [[3, 7, 42]], 'expected [1,1,5+C,42], found [1,3,7,42]'],
  ['yolov8', {}, [[4, 42]], 'expected [1,4+C,A] or [1,A,4+C], found [1,4,42]'],
  ['yolov8_pose', { keyPoints: 9 }, [[22, 42]], 'expected [1,4+C+9*2,A] or [1,A,4+C+9*2], found [1,22,42]'],
  ['yolov8_seg', {}, [[40, 42]], 'expected [1,4+C+M,A] or [1,A,4+C+M] and [1,M,h,w], found [1,40,42]'],
  ['yolov8_obb', {}, [[5, 42]], 'expected [1,4+C+1,A] or [1,A,4+C+1], found [1,5,42]'],
  ['yolov10', {}, [[300, 7]], 'expected [1,R,6], found [1,300,7]'],
  ['yolov10', { keyPoints: 2 }, [[300, 6]], 'expected [1,R,6+2*3] or [1,R,6+2*2], found [1,300,6]'],
] as [string, Fields, number[][], string][]) {
  test(`outputs [${shapes.join('] [')}] do not fit ${task} ${show(fields)}`.trim(), (t) => {
    const error = t.throws(() => open({ task, ...fields }, ...shapes));
    t.is(error.message, `the outputs do not fit task ${task}: ${message}`);
    t.is((error as { code?: unknown }).code, 'MODEL_INVALID');
  });
}

test('labels that do not match the classes are refused with both numbers', (t) => {
  const refused = (fields: Fields, shape: number[], message: string) =>
    t.throws(() => open(fields, shape), { message, code: 'MODEL_INVALID' });
  refused({ labels: 3 }, [100, 85], 'the labels file has 3 lines, the model tells 80 classes');
  refused({ labels: 2, task: 'yolov8' }, [5, 42], 'the labels file has 2 lines, the model tells 1 class');
  t.is(open({ labels: 80 }, [100, 85]).columns, 6);
  // Points of two values are told by the labels.
  const pose = { task: 'yolov8_pose', keyPoints: 2 };
  t.is(open(pose, [11, 42]).layout.pointValues, 3);
  t.is(open({ ...pose, labels: 3 }, [11, 42]).layout.pointValues, 2);
  refused({ ...pose, labels: 2 }, [11, 42], 'the labels file has 2 lines, the model tells 1 class');
});

test('specifications that make no sense are refused', (t) => {
  const refused = (fields: Fields, message: RegExp) => t.throws(() => open(fields, [100, 7]), { message });
  refused({ task: 'yolo' }, /^no detector has the task yolo$/);
  refused({ width: 0 }, /^spec.width is 0/);
  refused({ height: 40000 }, /^spec.height is 40000/);
  refused({ strides: [8, 0] }, /^spec.strides has 0/);
  refused({ keyPoints: -1 }, /^spec.keyPoints is -1/);
  refused({ labels: -1 }, /^spec.labels is -1/);
  refused({ nmsRule: 'soft' }, /^spec.nmsRule must be 'fast' or 'greedy'/);
  const raw = { task: 'yolov5_raw' };
  refused({ ...raw, strides: [8, 16] }, /postprocess.anchors is needed for 2 strides/);
  refused({ ...raw, anchors: [[1, 2]] }, /postprocess.anchors has 1 levels, and there are 3 strides/);
  refused({ ...raw, strides: [8], anchors: [[1, 2, 3]] }, /each level of postprocess.anchors needs as many pairs/);
  refused({ ...raw, strides: [1, 2, 3, 4, 5, 6, 7], anchors: [[1, 2]] }, /7 strides are too many; 6 is the most/);
  refused({ task: 'yolox_raw', anchors: [[1, 2]] }, /postprocess.anchors has no meaning/);
  const points = { task: 'yolov10', keyPoints: 700 };
  t.throws(() => open(points, [3, 2106]), { message: /^a detection would have 2106 values; 2048 is the most$/ });
  t.throws(() => open({}, [0, 7]), { message: /^output output0 has a dimension of 0/ });
  t.throws(() => open({}, [2 ** 20, 2 ** 20]), { message: /^output output0 has a dimension of/ });
});

test('requests that do not fit the outputs are refused', (t) => {
  const request: Fields = {
    matrix: [1, 0, 0, 0, 1, 0],
    scoreThreshold: 0.5,
    nmsThreshold: 0.5,
    maxDetections: 2,
    classIds: null,
  };
  const detections = open({}, [3, 7]);
  const decode = (lengths: readonly number[], fields: Fields = {}, row = 0, room = 12) => {
    const data = lengths.map((length) => new Float32Array(length));
    return () => detections.decode(data, row, { ...request, ...fields } as never, new Float32Array(room));
  };
  const refused = (call: () => unknown, message: RegExp) => t.throws(call, { instanceOf: RangeError, message });
  t.is(decode([42], {}, 1)(), 0);
  refused(decode([22]), /^outputs\[0\] has 22 values; a picture has 21/);
  refused(decode([42], {}, 2), /^row is 2; outputs\[0\] has 2 pictures/);
  refused(decode([42], {}, -1), /^row is -1/);
  refused(decode([]), /^outputs has 0 items; the model has 1 outputs/);
  refused(decode([21, 21]), /^outputs has 2 items; the model has 1 outputs/);
  refused(decode([21], {}, 0, 11), /^out has 11 values; 2 rows of 6 need 12/);
  refused(decode([21], { maxDetections: -1 }), /^request.maxDetections is -1/);
  refused(decode([21], { scoreThreshold: NaN }), /^request.scoreThreshold must be finite/);
  refused(decode([21], { matrix: [1, 0, 0, 0, NaN, 0] }), /^request.matrix\[4\] is nan/);
  refused(decode([21], { nmsThreshold: 2 }), /^request.nms.iouThreshold is 2/);
  t.throws(decode([21], { classIds: [0.5] }), { instanceOf: TypeError, message: /^request.classIds\[0\] must be an/ });
});

test('rows that do not share the values equally are refused', (t) => {
  const values = new Float32Array(7);
  t.throws(() => native.l2Normalize(values, 2), { instanceOf: RangeError, message: /^values has 7 values/ });
  t.throws(() => native.l2Normalize(values, 0), { instanceOf: RangeError, message: /^values has 7 values/ });
  t.throws(() => native.l2Normalize(values, -7), { instanceOf: RangeError, message: /^rows is -7/ });
  t.throws(() => native.l2Normalize(values, 0.5), { instanceOf: TypeError, message: /^rows must be an integer/ });
});

/** A few characters of the fields, for a title. */
function show(fields: Fields): string {
  return Object.entries(fields)
    .map(([key, value]) => {
      const text = ArrayBuffer.isView(value)
        ? `${value.byteLength} bytes of ${value.constructor.name}`
        : JSON.stringify(value);
      return `${key} ${text ?? String(value)}${Object.is(value, NaN) ? ' (NaN)' : ''}`;
    })
    .join(', ');
}
