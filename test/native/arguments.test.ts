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

test('maps that do not fit one another are refused', (t) => {
  const options: Fields = {
    columns: 3,
    rows: 2,
    scoreThreshold: 0.5,
    nms: { rule: 'fast', iouThreshold: 0.5 },
    maxDetections: 2,
    matrix: [1, 0, 0, 0, 1, 0],
  };
  const lengths = [6, 12, 12, 60, 30];
  const decode = (changed: readonly number[], fields: Fields = {}) => {
    const [heat, scale, offset, landmarks, out] = changed.map((length) => new Float32Array(length));
    const all = { ...options, ...fields } as never;
    return () => native.decodeCenterFace(heat!, scale!, offset!, landmarks!, all, out!);
  };
  const refused = (call: () => unknown, message: RegExp) => t.throws(call, { instanceOf: RangeError, message });
  t.is(decode(lengths)(), 0);
  refused(decode([5, 12, 12, 60, 30]), /^heat has 5 values; \[1, 2, 3\] needs 6/);
  refused(decode([6, 13, 12, 60, 30]), /^scale has 13 values/);
  refused(decode([6, 12, 0, 60, 30]), /^offset has 0 values/);
  refused(decode([6, 12, 12, 6, 30]), /^landmarks has 6 values/);
  refused(decode([6, 12, 12, 60, 29]), /^out has 29 values; 2 rows of 15 need 30/);
  refused(decode(lengths, { columns: 0 }), /^options.columns is 0/);
  refused(decode(lengths, { rows: 40000 }), /^options.rows is 40000/);
  refused(decode(lengths, { maxDetections: -1 }), /^options.maxDetections is -1/);
  refused(decode(lengths, { scoreThreshold: NaN }), /^options.scoreThreshold must be finite/);
  refused(decode(lengths, { matrix: [1, 0, 0, 0, NaN, 0] }), /^options.matrix\[4\] is nan/);
  refused(decode(lengths, { nms: { rule: 'fast', iouThreshold: 2 } }), /^options.nms.iouThreshold is 2/);
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
