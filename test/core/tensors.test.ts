import test from 'ava';
import { checkInputs, checkOutputs, type TensorModel } from '../../server/core/tensor-request.js';
import {
  elementCount,
  readElements,
  requireData,
  splitRows,
  writeElements,
  type Tensor,
} from '../../server/core/tensors.js';
import { tensor } from '../support/tensors.js';

const MODEL: TensorModel = {
  name: 'sums',
  config: { max_batch_size: 4 },
  signature: {
    inputs: [
      { name: 'A', datatype: 'FP32', shape: [-1, 2] },
      { name: 'B', datatype: 'INT64', shape: [-1, -1] },
    ],
    outputs: [
      { name: 'X', datatype: 'FP32', shape: [-1, 2] },
      { name: 'Y', datatype: 'FP32', shape: [-1, 2] },
    ],
    batched: true,
  },
};

const a = (rows = 1) => tensor('A', 'FP32', [rows, 2], new Float32Array(rows * 2));
const b = (rows = 1, words = 3) => tensor('B', 'INT64', [rows, words], new BigInt64Array(rows * words));

test('inputs come in the order of the model, with their rows', (t) => {
  const { tensors, rows } = checkInputs(MODEL, [b(3), a(3)]);
  t.deepEqual(
    tensors.map(({ name }) => name),
    ['A', 'B'],
  );
  t.is(rows, 3);
});

test('what differs in rows only can share a batch; what differs in anything else cannot', (t) => {
  const key = (...tensors: Tensor[]) => checkInputs(MODEL, tensors).batchKey;
  t.is(key(a(1), b(1)), key(b(2), a(2)));
  t.not(key(a(), b(1, 3)), key(a(), b(1, 4)));
  t.not(key(a(), b()), '', 'the key of pictures');
});

const WRONG: readonly (readonly [what: string, tensors: readonly Tensor[], message: RegExp])[] = [
  ['an unknown name', [a(), b(), { ...a(), name: 'C' }], /^tensor "C" is no input of model sums; its inputs are A, B$/],
  ['a name twice', [a(), b(), a()], /^tensor "A" is there twice$/],
  ['a missing one', [a()], /^tensor "B" is missing: model sums needs it as INT64 \[-1, -1\]$/],
  ['another type', [a(), { ...b(), datatype: 'INT32' }], /^tensor "B" is INT32; the model takes INT64 \[-1, -1\]$/],
  ['another rank', [{ ...a(), shape: [2] }, b()], /^tensor "A" has the shape \[2\]; the model takes FP32 \[-1, 2\]$/],
  ['another size', [{ ...a(), shape: [1, 3] }, b()], /^tensor "A" has the shape \[1, 3\]; the model takes/],
  [
    'too few bytes',
    [{ ...a(), data: new Uint8Array(7) }, b()],
    /^tensor "A" is FP32 \[1, 2\], 8 bytes, and has 7 bytes of data$/,
  ],
  ['a negative dim', [{ ...b(), shape: [1, -3] }, a()], /^tensor "B" has the shape \[1, -3\]: no dim may be under 0$/],
  [
    'a huge dim',
    [{ ...b(), shape: [1, 2 ** 60] }, a()],
    /^tensor "B" has the shape .*no dim may be under 0|more elements/,
  ],
  ['unequal rows', [a(2), b(1)], /^tensor "B" has 1 rows, and "A" has 2: the first dim is the batch$/],
  ['too many rows', [a(5), b(5)], /^tensor "A" has 5 rows; the model takes 1 to 4, its max_batch_size$/],
  ['no rows', [a(0), b(0)], /^tensor "A" has 0 rows/],
];

for (const [what, tensors, message] of WRONG) {
  test(`${what} is refused with the name of the tensor`, (t) => {
    t.like(
      t.throws(() => checkInputs(MODEL, tensors), { message }),
      { code: 'INVALID_REQUEST' },
    );
  });
}

test('a model without a batch dimension takes its shapes as they are, each by itself', (t) => {
  const model = { ...MODEL, config: { max_batch_size: 0 }, signature: { ...MODEL.signature!, batched: false } };
  t.is(checkInputs(model, [a(7), b(2)]).rows, 1);
  t.not(checkInputs(model, [a(7), b(2)]).batchKey, checkInputs(model, [a(6), b(2)]).batchKey);
});

test('outputs are checked by name; none named means all', (t) => {
  t.is(checkOutputs(MODEL, []), null);
  t.deepEqual(checkOutputs(MODEL, ['Y', 'X']), ['Y', 'X']);
  t.throws(() => checkOutputs(MODEL, ['Z']), {
    message: /^tensor "Z" is no output of model sums; its outputs are X, Y$/,
  });
  t.throws(() => checkOutputs(MODEL, ['X', 'X']), { message: /^tensor "X" is asked for twice$/ });
});

test('a model without tensors says so', (t) => {
  t.like(
    t.throws(() => checkInputs({ ...MODEL, signature: null }, [])),
    { code: 'TASK_NOT_SUPPORTED' },
  );
});

test('elements are counted without overflow', (t) => {
  t.is(elementCount('x', []), 1);
  t.is(elementCount('x', [3, 0, 5]), 0);
  t.is(elementCount('x', [2 ** 26, 2 ** 26]), 2 ** 52);
  for (const shape of [[2 ** 27, 2 ** 27], [2 ** 53], [2 ** 40, 2 ** 40, 0], [1.5], [Number.NaN], [-1], [-(2 ** 62)]]) {
    t.throws(() => elementCount('x', shape), { message: /^tensor "x" has the shape/ }, String(shape));
  }
});

test('BYTES are counted by their lengths', (t) => {
  const good = tensor('T', 'BYTES', [2], ['ab', '']);
  t.notThrows(() => requireData(good));
  t.deepEqual(
    Array.from(readElements(good.data), (element) => Buffer.from(element).toString()),
    ['ab', ''],
  );
  t.throws(() => requireData({ ...good, shape: [3] }), { message: /3 elements, and 2 elements of data/ });
  for (const length of [1, 4, 5, 9]) {
    t.throws(
      () => requireData({ ...good, data: good.data.subarray(0, length) }),
      { message: /^tensor "T"/ },
      String(length),
    );
  }
  t.throws(() => requireData({ ...good, shape: [1], data: Uint8Array.of(255, 255, 255, 255) }), {
    message: /ends inside/,
  });
});

test('a batch comes apart by rows, and what only fills it up is left out', (t) => {
  const numbers = tensor('N', 'INT32', [4, 2], Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  const read = splitRows(numbers, [1, 2]).map(({ shape, data }) => [
    shape,
    [...new Int32Array(new Uint8Array(data).buffer)],
  ]);
  t.deepEqual(read, [
    [
      [1, 2],
      [1, 2],
    ],
    [
      [2, 2],
      [3, 4, 5, 6],
    ],
  ]);
  const texts = tensor('T', 'BYTES', [3, 2], ['a', '', 'bb', 'c', 'd', 'e']);
  t.deepEqual(
    splitRows(texts, [2, 1]).map(({ data }) =>
      Array.from(readElements(data), (element) => Buffer.from(element).toString()),
    ),
    [
      ['a', '', 'bb', 'c'],
      ['d', 'e'],
    ],
  );
  const nothing = tensor('N', 'INT32', [2, 0], new Int32Array(0));
  t.deepEqual(
    splitRows(nothing, [1, 1]).map(({ shape }) => shape),
    [
      [1, 0],
      [1, 0],
    ],
  );
  t.deepEqual(
    splitRows({ ...nothing, datatype: 'BYTES' }, [1, 1]).map(({ data }) => data.length),
    [0, 0],
  );
});

test('BYTES are written behind their lengths', (t) => {
  t.deepEqual([...writeElements([Uint8Array.of(7), new Uint8Array(0)])], [1, 0, 0, 0, 7, 0, 0, 0, 0]);
});
