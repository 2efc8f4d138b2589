import test from 'ava';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ServingError } from '../../server/core/errors.js';
import { ModelProto, TensorProto_DataLocation as DataLocation } from '../../server/gen/onnx/onnx.js';
import { makeModel, node, valueInfo } from '../../server/onnx/builder.js';
import { decodeModel, encodeModel } from '../../server/onnx/model-file.js';
import { int64Tensor, numbersOf } from '../../server/onnx/tensor.js';
import { convThen } from './models.js';
import { noise, runModel } from './run-model.js';

const MODEL = convThen([node('Relu', ['features'], ['output'])], []);

function refusal(bytes: Uint8Array): string {
  try {
    decodeModel(bytes);
  } catch (error) {
    if (error instanceof ServingError && error.code === 'MODEL_INVALID') return error.message;
    throw error;
  }
  return 'taken';
}

test('a file that is cut short anywhere is refused, and told as cut short', (t) => {
  const bytes = encodeModel(MODEL);
  for (let length = 1; length < bytes.length; length++)
    t.regex(refusal(bytes.subarray(0, length)), /cut short/, `${length}`);
});

const STRANGERS: Record<string, [Uint8Array, RegExp]> = {
  'that is empty': [new Uint8Array(), /^The file is empty/],
  'that is a web page': [Buffer.from('<!DOCTYPE html><html></html>'), /not an ONNX model but a web page/],
  'that is a Git LFS pointer': [Buffer.from('version https://git-lfs.github.com/spec/v1\n'), /git lfs pull/],
  'that is a zip archive': [Buffer.from('PK\x03\x04....'), /but a zip archive/],
  'of zeros': [new Uint8Array(100), /not an ONNX model/],
  'of another kind': [Buffer.from('\x89PNG\r\n\x1a\n'), /not an ONNX model/],
};

for (const [what, [bytes, reason]] of Object.entries(STRANGERS)) {
  test(`a file ${what} is refused as such`, (t) => {
    t.regex(refusal(bytes), reason);
  });
}

test('damaged bytes are refused or read, and nothing else happens', (t) => {
  const bytes = encodeModel(MODEL);
  for (let index = 0; index < bytes.length; index++) {
    const damaged = bytes.slice();
    damaged[index] = (damaged[index] ?? 0) ^ (1 << (index % 8));
    t.is(typeof refusal(damaged), 'string');
  }
});

test('a model without nodes, graph or operator sets is refused', (t) => {
  t.regex(refusal(encodeModel(makeModel({ name: 'empty', nodes: [], inputs: [], outputs: [] }))), /has no nodes/);
  t.regex(refusal(encodeModel({ ...MODEL, opsetImport: [] })), /has no opset_import/);
  t.regex(refusal(ModelProto.encode({ ...MODEL, graph: undefined }).finish()), /has no graph/);
});

test('weights in another file are refused with its name', (t) => {
  const [weight] = MODEL.graph.initializer;
  if (weight === undefined) return t.fail();
  const external = {
    ...weight,
    dataLocation: DataLocation.EXTERNAL,
    externalData: [{ key: 'location', value: 'weights.bin' }],
  };
  const model = { ...MODEL, graph: { ...MODEL.graph, initializer: [external] } };
  t.regex(refusal(encodeModel(model)), /'weight' keeps its data in weights\.bin/);
});

test('weights are views of the file, and the largest int64 is exact', (t) => {
  const end = int64Tensor('end', [0]);
  end.rawData = new Uint8Array();
  end.int64Data = [2n ** 63n - 1n];
  const bytes = encodeModel(convThen([node('Relu', ['features'], ['output'])], [end]));
  const { graph } = decodeModel(bytes);
  t.is(graph.initializer[0]?.rawData.buffer, bytes.buffer);
  t.deepEqual(graph.initializer[1]?.int64Data, [2n ** 63n - 1n]);
  t.deepEqual(numbersOf(graph.initializer[1] ?? end), [2 ** 63]);
});

/** A field that our description of the format does not have. */
function unknownField(field: number, text: string): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).string(text).finish();
}

test('what our description of the format does not have survives a rewrite', (t) => {
  // training_info of a model (20), quantization_annotation of a graph (14), a sequence type (4).
  const graph = Buffer.concat([
    new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(unknownField(10, 'devices')).finish(),
    unknownField(14, 'annotation'),
    new BinaryWriter()
      .tag(12, WireType.LengthDelimited)
      .bytes(new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(unknownField(4, 'sequence')).finish())
      .finish(),
  ]);
  const file = Buffer.concat([
    unknownField(20, 'training'),
    new BinaryWriter().tag(7, WireType.LengthDelimited).bytes(graph).finish(),
    new BinaryWriter()
      .tag(8, WireType.LengthDelimited)
      .bytes(new Uint8Array([16, 17]))
      .finish(),
  ]);
  const written = Buffer.from(encodeModel(decodeModel(file)));
  for (const text of ['devices', 'annotation', 'sequence', 'training']) t.true(written.includes(text), text);
  t.is(written.length, file.length);
  const reader = new BinaryReader(written);
  const fields = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    fields.push(field);
    reader.skip(type);
  }
  t.deepEqual(new Set(fields), new Set([7, 8, 20]));
});

test('a model that was read and written answers as before', async (t) => {
  const bytes = encodeModel(makeModel({ ...partsOf(MODEL), name: 'again' }));
  const again = encodeModel(decodeModel(bytes));
  const picture = noise(3 * 8 * 8);
  t.deepEqual(await runModel(again, [1, 3, 8, 8], picture), await runModel(bytes, [1, 3, 8, 8], picture));
});

function partsOf({ graph }: typeof MODEL) {
  return {
    nodes: graph.node,
    inputs: graph.input,
    outputs: [...graph.output, valueInfo('features', null)],
    initializers: graph.initializer,
  };
}
