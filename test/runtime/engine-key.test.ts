import test from 'ava';
import { modelConfigSchema } from '../../server/core/model-config.js';
import { engineFacts, engineKey, engineOptions } from '../../server/runtime/engine-key.js';
import { openRanges } from '../../server/runtime/open-ranges.js';
import { gpu, makeInputs } from '../support/fake-gpu.js';

type Keys = Readonly<Record<string, unknown>>;

const key = (keys: Keys = {}, changes: object = {}, device = gpu(), tensorrt = '10.6.0') =>
  engineKey(engineFacts(makeInputs(keys, changes), device, tensorrt));
const tensorrt = (keys: Keys) => ({ tensorrt: keys });
const range = (min: number, opt: number, max: number) => ({ min, opt, max });

test('the key is 64 hexadecimal digits and the same for the same facts', (t) => {
  t.regex(key(), /^[0-9a-f]{64}$/);
  t.is(key(), key());
  const facts = engineFacts(makeInputs(), gpu(), '10.6.0');
  t.is(engineKey(Object.fromEntries(Object.entries(facts).reverse()) as typeof facts), key(), 'in any order');
});

for (const [what, changed] of [
  ['the model file', key({}, { onnxSha256: 'b'.repeat(64) })],
  ['a plugin', key({}, { plugins: [{ file: 'a.so', sha256: 'c' }] })],
  ['the calibration', key({}, { calibration: { directory: 'd', sha256: 'e' } })],
  ['the largest batch', key({ max_batch_size: 4 })],
  ['precision', key(tensorrt({ precision: 'fp32' }))],
  ['tf32', key(tensorrt({ tf32: false }))],
  ['profiles', key(tensorrt({ profiles: [{ batch: range(1, 4, 8) }] }))],
  ['optimization_level', key(tensorrt({ optimization_level: 5 }))],
  ['workspace_bytes', key(tensorrt({ workspace_bytes: 2 ** 30 }))],
  ['aux_streams', key(tensorrt({ aux_streams: 0 }))],
  ['version_compatible', key(tensorrt({ version_compatible: true }))],
  ['strip_weights', key(tensorrt({ strip_weights: true }))],
  ['refit', key(tensorrt({ refit: true }))],
  ['hardware_compatibility', key(tensorrt({ hardware_compatibility: 'ampere_plus' }))],
  ['the version of TensorRT', key({}, {}, gpu(), '10.7.0')],
  ['the name of the GPU', key({}, {}, gpu(0, 'Fake 200'))],
  ['the compute capability', key({}, {}, gpu(0, 'Fake 100', '8.6'))],
] as const) {
  test(`another plan is needed when this changes: ${what}`, (t) => t.not(changed, key()));
}

for (const [what, same] of [
  ['cuda_graphs', key(tensorrt({ cuda_graphs: false }))],
  ['execution_contexts', key(tensorrt({ execution_contexts: 4 }))],
  ['while_building', key(tensorrt({ while_building: 'cpu' }))],
  ['instances', key({ instance_group: { count: 7 } })],
  ['thresholds', key({ postprocess: { score_threshold: 0.1 } })],
  ['which of two equal GPUs', key({}, {}, gpu(1))],
  ['profiles that say what is the default', key(tensorrt({ profiles: [{ batch: range(1, 8, 8) }] }))],
] as const) {
  test(`the same plan does when this changes: ${what}`, (t) => t.is(same, key()));
}

test('profiles of texts say how long rows may be, and those of pictures nothing of it', (t) => {
  const options = (keys: Keys) =>
    engineOptions({ config: modelConfigSchema.parse({ max_batch_size: 4, ...keys }), profiles: null });
  const batch = range(1, 4, 4);
  const texts = { task: 'text_embedding', tokenizer: { max_length: 48 } };
  const none = { height: null, width: null };
  t.deepEqual(options(texts).profiles, [{ batch, ...none, length: range(1, 48, 48) }]);
  const padded = { ...texts, tokenizer: { max_length: 48, padding: 'max_length' } };
  t.deepEqual(options(padded).profiles, [{ batch, ...none, length: range(48, 48, 48) }]);
  t.deepEqual(options({ task: 'classification', input: { width: 8, height: 8 } }).profiles, [{ batch, ...none }]);
});

test('a promise of compatibility lets those share a plan whom it names, and no others', (t) => {
  const [h100, h200, a10, t4] = [
    gpu(0, 'H100', '9.0'),
    gpu(1, 'H200', '9.0'),
    gpu(2, 'A10', '8.6'),
    gpu(3, 'T4', '7.5'),
  ];
  const keyOf = (compatibility: string) => (device: typeof h100) =>
    key(tensorrt({ hardware_compatibility: compatibility }), {}, device);
  const distinct = (compatibility: string) => new Set([h100, h200, a10, t4].map(keyOf(compatibility))).size;
  t.is(distinct('none'), 4);
  t.is(distinct('same_compute_capability'), 3);
  t.is(distinct('ampere_plus'), 2, 'the one from before Ampere is promised nothing');
});

test('a plan that is version compatible is the same for every version with the same major number', (t) => {
  const keyOf = (version: string) => key(tensorrt({ version_compatible: true }), {}, gpu(), version);
  t.is(keyOf('10.6.0'), keyOf('10.13.2'));
  t.not(keyOf('10.6.0'), keyOf('11.0.0'));
});

test('without profiles there is one that is tuned for full batches', (t) => {
  t.deepEqual(engineOptions(makeInputs({ max_batch_size: 16 })).profiles, [
    { batch: range(1, 16, 16), height: null, width: null },
  ]);
});

test('a side that one profile opens is said by all of them, and one that none opens by none', (t) => {
  const profiles = [
    { batch: range(1, 1, 1), height: range(32, 64, 96), width: range(64, 64, 64) },
    { batch: range(2, 8, 8) },
  ];
  const { config } = makeInputs({ tensorrt: { profiles } });
  t.deepEqual(engineOptions({ config, profiles: null }).profiles, [
    { batch: range(1, 1, 1), height: range(32, 64, 96), width: null },
    { batch: range(2, 8, 8), height: range(64, 64, 64), width: null },
  ]);
  t.deepEqual(openRanges(config), {
    height: range(32, 64, 96),
    width: range(64, 64, 64),
  });
  t.is(openRanges(makeInputs({ tensorrt: { profiles: [{ batch: range(1, 8, 8) }] } }).config), null);
});

test('with Focus the network input is half as high and wide, and so are its ranges', (t) => {
  const profiles = [{ batch: range(1, 8, 8), height: range(32, 64, 96) }];
  const { config } = makeInputs({ preprocess: { focus: true }, tensorrt: { profiles } });
  t.deepEqual(engineOptions({ config, profiles: null }).profiles, [
    { batch: range(1, 8, 8), height: range(16, 32, 48), width: null },
  ]);
  t.deepEqual(openRanges(config), { height: range(16, 32, 48), width: range(32, 32, 32) });
});
