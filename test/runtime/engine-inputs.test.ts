import { join } from 'node:path';
import test from 'ava';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { modelConfigSchema } from '../../server/core/model-config.js';
import { declaredShape } from '../../server/onnx/graph.js';
import { decodeModel, encodeModel } from '../../server/onnx/model-file.js';
import { readEngineInputs } from '../../server/runtime/engine-inputs.js';
import { makeConfig } from '../support/requests.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { wordsModel } from '../support/text-models.js';
import { meansModel } from '../support/tiny-models.js';

const NEVER = new AbortController().signal;

/** Reads the inputs of the model in a directory; `keys` as its config.yaml would have them. */
async function read(scratch: ScratchDirectory, keys: Readonly<Record<string, unknown>> = {}) {
  const config = makeConfig({ task: 'embedding', ...keys });
  return readEngineInputs(join(scratch.path, 'means', '1', 'model.onnx'), config, NEVER);
}

async function withModel(): Promise<ScratchDirectory> {
  const scratch = await ScratchDirectory.create();
  await scratch.write('means/1/model.onnx', meansModel(64, 64));
  return scratch;
}

test('a plan is that of the file as it is rewritten, so that its input size counts', async (t) => {
  await using scratch = await withModel();
  const at = async (size: number) => (await read(scratch, { input: { width: size, height: size } })).onnxSha256;
  t.is(await at(64), await at(64));
  t.not(await at(64), await at(32));
  t.is((await read(scratch)).inputName, 'input');
});

test('one plan serves all input sizes that its profile leaves open', async (t) => {
  await using scratch = await withModel();
  const side = { min: 32, opt: 64, max: 96 };
  const profiles = [{ batch: { min: 1, opt: 8, max: 8 }, height: side, width: side }];
  const at = async (width: number, height: number) =>
    (await read(scratch, { input: { width, height }, tensorrt: { profiles } })).onnxSha256;
  t.is(await at(64, 64), await at(96, 32));
  t.not(await at(64, 64), (await read(scratch, { input: { width: 64, height: 64 } })).onnxSha256);
});

test('a model that reads is built as it is, and int8 only where the file says how', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const modelFile = await scratch.write('words/1/model.onnx', wordsModel());
  const texts = (keys: object) => modelConfigSchema.parse({ task: 'text_classification', ...keys });
  const inputs = await readEngineInputs(modelFile, texts({}), NEVER);
  t.deepEqual([inputs.inputName, inputs.calibration], ['input_ids', null]);
  t.deepEqual(Uint8Array.from(inputs.onnx), wordsModel());
  await t.throwsAsync(readEngineInputs(modelFile, texts({ tensorrt: { precision: 'int8' } }), NEVER), {
    code: 'CONFIG_INVALID',
    message: /int8, and the model file has no Q\/DQ nodes: a model of task text_classification cannot be calibrated/,
  });
  const fixed = await scratch.write('fixed/1/model.onnx', wordsModel({ length: 16 }));
  await t.throwsAsync(readEngineInputs(fixed, texts({}), NEVER), {
    code: 'MODEL_INVALID',
    message: /fixed\/1\/model\.onnx: Input 'input_ids' has a fixed length of 16/,
  });
});

test('behind a Focus layer the file is rewritten to half the size, ranges too', async (t) => {
  await using scratch = await ScratchDirectory.create();
  const input = valueInfo('x', ['n', 12, 'h', 'w']);
  const nodes = [node('GlobalAveragePool', ['x'], ['means']), node('Flatten', ['means'], ['embedding'])];
  const model = makeModel({ name: 'means', nodes, inputs: [input], outputs: [valueInfo('embedding', ['n', 12])] });
  await scratch.write('means/1/model.onnx', encodeModel(model));
  const shape = async (keys: object) => {
    const { onnx } = await read(scratch, { preprocess: { focus: true }, ...keys });
    return decodeModel(onnx).graph.input.map(declaredShape);
  };
  t.deepEqual(await shape({ input: { width: 64, height: 32 } }), [['batch', 12, 16, 32]]);
  const profiles = [{ batch: { min: 1, opt: 8, max: 8 }, width: { min: 32, opt: 64, max: 96 } }];
  t.deepEqual(await shape({ tensorrt: { profiles } }), [['batch', 12, 32, 'width']]);
  await t.throwsAsync(shape({ preprocess: { focus: false } }), {
    code: 'MODEL_INVALID',
    message: /means\/1\/model\.onnx: .*set preprocess\.focus to true/,
  });
});

test('a plugin is found from the directory of the model and known by its content', async (t) => {
  await using scratch = await withModel();
  const file = await scratch.write('means/libs/a.so', 'one');
  const plugins = async (name: string) => (await read(scratch, { tensorrt: { plugins: [name] } })).plugins;
  const [before] = await plugins('libs/a.so');
  t.is(before?.file, file);
  t.deepEqual(await plugins(file), [before]);
  await scratch.write('means/libs/a.so', 'two');
  const [after] = await plugins('libs/a.so');
  t.not(after?.sha256, before?.sha256);
});

test('a calibration is known by its pictures and all that makes tensors of them, not by what is asked of it', async (t) => {
  await using scratch = await withModel();
  await scratch.write('means/pictures/a.png', 'a');
  const hash = async (how: object = {}, keys: object = {}) => {
    const tensorrt = { precision: 'int8', calibration: { directory: 'pictures', ...how } };
    const { calibration } = await read(scratch, { tensorrt, ...keys });
    t.is(calibration?.directory, join(scratch.path, 'means', 'pictures'));
    return calibration?.sha256;
  };
  const before = await hash();
  t.is(await hash({ accuracy_floor: 0.9 }), before);
  t.not(await hash({ algorithm: 'minmax' }), before);
  t.not(await hash({ max_pictures: 7 }), before);
  t.not(await hash({}, { preprocess: { scale: 2 } }), before);
  await scratch.write('means/pictures/b.png', 'b');
  t.not(await hash(), before);
});

test('a calibration that the precision has no use for is not read', async (t) => {
  await using scratch = await withModel();
  const { calibration } = await read(scratch, { tensorrt: { calibration: { directory: 'gone' } } });
  t.is(calibration, null);
});

test('a model file that is not there is told by its path', async (t) => {
  await using scratch = await ScratchDirectory.create();
  await t.throwsAsync(read(scratch), {
    code: 'MODEL_INVALID',
    message: /means\/1\/model\.onnx cannot be read: ENOENT/,
  });
});
