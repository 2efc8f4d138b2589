import test from 'ava';
import { batchOf, rolesOf, valuesFor } from '../../server/runtime/text/text-batch.js';

const NAMES = { ids: 'input_ids', mask: 'attention_mask', token_types: 'token_type_ids' };

test('rows are filled up to the longest, and the mask says how far each goes', (t) => {
  const batch = batchOf([[5, 6, 7], [8]], 9, null);
  t.deepEqual([batch.rows, batch.length, [...batch.lengths]], [2, 3, [3, 1]]);
  t.deepEqual([...batch.values.ids], [5, 6, 7, 8, 9, 9]);
  t.deepEqual([...batch.values.mask], [1, 1, 1, 1, 0, 0]);
  t.deepEqual([...batch.values.token_types], [0, 0, 0, 0, 0, 0]);
});

test('rows are filled up to a length that is set', (t) => {
  const batch = batchOf([[5], []], 0, 4);
  t.deepEqual(
    [batch.length, [...batch.values.ids], [...batch.values.mask]],
    [4, [5, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]],
  );
});

test('inputs are told by their names in any order, or else by their order', (t) => {
  t.deepEqual(rolesOf(['token_type_ids', 'input_ids', 'attention_mask'], NAMES), ['token_types', 'ids', 'mask']);
  t.deepEqual(rolesOf(['input_ids'], NAMES), ['ids']);
  t.deepEqual(rolesOf(['0'], NAMES), ['ids']);
  t.deepEqual(rolesOf(['a', 'b', 'c'], NAMES), ['ids', 'mask', 'token_types']);
  t.deepEqual(rolesOf(['b', 'a'], { ...NAMES, ids: 'a', mask: 'b' }), ['mask', 'ids']);
});

test('inputs that cannot be told apart are refused', (t) => {
  for (const names of [
    ['input_ids', 'other'],
    ['attention_mask'],
    ['a', 'b', 'c', 'd'],
    ['attention_mask', 'token_type_ids'],
  ]) {
    t.throws(() => rolesOf(names, NAMES), { code: 'MODEL_INVALID', message: /tokenizer\.inputs/ }, names.join());
  }
});

test('values come in the type of the input', (t) => {
  const values = Int32Array.of(0, 30_521, -1);
  t.is(valuesFor('int32', values), values);
  t.deepEqual(valuesFor('int64', values), BigInt64Array.of(0n, 30_521n, -1n));
});
