import test from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CatalogError } from '../../server/catalog/catalog-error.js';
import { readTorchCheckpoint, type TorchTensor } from '../../server/catalog/torch-checkpoint.js';
import { runOracle } from '../oracle/python.js';
import { scratch } from './scratch.js';

/** What the generator says that a tensor holds. */
interface Listed {
  readonly type: TorchTensor['type'];
  readonly shape: number[];
  readonly data: number[];
}

for (const format of ['zip', 'legacy']) {
  test(`a checkpoint in the ${format} format gives its tensors with strides and offsets honoured`, (t) => {
    const file = join(scratch(t), 'weights.pt');
    const listed = JSON.parse(runOracle('torch_checkpoint.py', [format, file]).toString()) as Record<string, Listed>;
    const tensors = readTorchCheckpoint(readFileSync(file));
    t.deepEqual([...tensors.keys()], Object.keys(listed));
    for (const [name, { type, shape, data }] of Object.entries(listed)) {
      const tensor = tensors.get(name);
      t.is(tensor?.type, type);
      t.deepEqual(tensor?.shape, shape);
      t.deepEqual(Array.from(tensor?.data ?? [], Number), data, name);
    }
  });

  test(`a ${format} checkpoint that is cut short anywhere is refused`, (t) => {
    const file = join(scratch(t), 'weights.pt');
    runOracle('torch_checkpoint.py', [format, file]);
    const bytes = readFileSync(file);
    for (let length = 0; length < bytes.length; length += 7) {
      t.throws(() => readTorchCheckpoint(bytes.subarray(0, length)), { instanceOf: CatalogError }, `${length} bytes`);
    }
  });
}

test('a pickle that calls os.system is refused and not run', (t) => {
  const file = join(scratch(t), 'weights.pt');
  runOracle('torch_checkpoint.py', ['hostile', file]);
  t.throws(() => readTorchCheckpoint(readFileSync(file)), {
    instanceOf: CatalogError,
    message: /refused: at byte \d+ its pickle holds the Python object (posix|nt)\.system/,
  });
  t.false(existsSync('pwned'));
});

test('a class that no state dict needs is refused by name', (t) => {
  const file = join(scratch(t), 'weights.pt');
  runOracle('torch_checkpoint.py', ['unknown', file]);
  t.throws(() => readTorchCheckpoint(readFileSync(file)), { message: /the Python object torch\.HalfStorage/ });
});

/** The start of a checkpoint of the older format, then the pickle of the state dict. */
function legacy(pickle: string | number[]): Uint8Array {
  const magic = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
  const version = [0x80, 2, 0x4d, 0xe9, 3, 0x2e];
  const system = [0x80, 2, 0x7d, 0x2e];
  const body = typeof pickle === 'string' ? [...Buffer.from(pickle, 'latin1')] : pickle;
  return Uint8Array.from([...magic, ...version, ...system, ...body]);
}

const HOSTILE: Record<string, string> = {
  'a call of what is no function': '\x80\x02K\x01)R.',
  'an operation on an empty stack': '\x80\x02R.',
  'an end without a mark': '\x80\x02t.',
  'a key for what is no dict': '\x80\x02]K\x01K\x02s.',
  'an item for what is no list': '\x80\x02}K\x01a.',
  'a reference to 9, which was never stored': '\x80\x02h\x09.',
  'the Python object __builtin__.eval': '\x80\x02c__builtin__\neval\n.',
  'opcode 0x69': '\x80\x02(cos\nsystem\ni.'.replace('cos\nsystem\n', ''),
  'opcode 0x93': '\x80\x02\x93.',
  'pickle protocol other than 2': '\x80\x04.',
};

for (const [what, pickle] of Object.entries(HOSTILE)) {
  test(`a pickle with ${what} is refused`, (t) => {
    const error = t.throws(() => readTorchCheckpoint(legacy(pickle)), { instanceOf: CatalogError });
    t.true(error.message.includes(what), error.message);
  });
}

test('what is no state dict is refused', (t) => {
  const noKeys = '\x80\x02].';
  t.throws(() => readTorchCheckpoint(legacy(`\x80\x02K\x01.${noKeys}`)), { message: /no state dict/ });
  t.throws(() => readTorchCheckpoint(legacy(`\x80\x02}X\x01\0\0\0aK\x01s.${noKeys}`)), {
    message: /entry "a" is not a tensor/,
  });
  t.throws(() => readTorchCheckpoint(Buffer.from('hello')), { message: /not a PyTorch checkpoint/ });
});
