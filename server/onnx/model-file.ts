import { ServingError, errorMessage } from '../core/errors.js';
import { ModelProto, TensorProto_DataLocation as DataLocation, type TensorProto } from '../gen/onnx/onnx.js';
import { tensorsOf, type OnnxModel } from './graph.js';

/**
 * Reads a model file. Weights are views of `bytes`, which must not change as long as the model is in use.
 * Throws MODEL_INVALID where the file is cut short, is no ONNX model, has no nodes, or keeps weights in other files.
 */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  const model = decodeModelParts(bytes);
  const [outside] = externalTensors(model);
  if (outside !== undefined) {
    throw invalid(
      `Tensor '${outside.name}' keeps its data in ${externalPlace(outside).location ?? 'another file'}; ` +
        'export the model as one file (save_as_external_data=False).',
    );
  }
  return model;
}

/** The tensors whose data is in other files. */
export function externalTensors({ graph }: OnnxModel): TensorProto[] {
  return [...tensorsOf(graph)].filter(
    ({ dataLocation, externalData }) => dataLocation === DataLocation.EXTERNAL || externalData.length > 0,
  );
}

/** Where the data of such a tensor is: the file, relative to that of the model, and the bytes in it; to its end where length is null. */
export function externalPlace({ externalData }: TensorProto): {
  location: string | null;
  offset: number;
  length: number | null;
} {
  const value = (wanted: string) => externalData.find(({ key }) => key === wanted)?.value;
  const length = value('length');
  return {
    location: value('location') ?? null,
    offset: Number(value('offset') ?? 0),
    length: length === undefined ? null : Number(length),
  };
}

/** `decodeModel` of a file that may be one of several: weights that are kept in others are not there. */
export function decodeModelParts(bytes: Uint8Array): OnnxModel {
  checkEnvelope(bytes);
  let model: ModelProto;
  try {
    model = ModelProto.decode(bytes);
  } catch (cause) {
    throw invalid(
      `The file is damaged or is not an ONNX model (${errorMessage(cause)}); fetch or export it again.`,
      cause,
    );
  }
  const { graph } = model;
  if (graph === undefined || model.opsetImport.length === 0) {
    const missing = graph === undefined ? 'graph' : 'opset_import';
    throw invalid(`The file has no ${missing}: it is cut short or is not an ONNX model; fetch or export it again.`);
  }
  if (graph.node.length === 0) {
    throw invalid('The graph of the model has no nodes; export the model again.');
  }
  return { ...model, graph };
}

/** The bytes of a model file. Fields that `onnx.proto` does not describe are written as they were read. */
export function encodeModel(model: ModelProto): Uint8Array {
  return ModelProto.encode(model).finish();
}

/** Field numbers of ModelProto in the specification, and those of them that are length-delimited rather than varints. */
const MODEL_FIELDS = new Set([1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26]);
const VARINT_FIELDS = new Set([1, 5]);

/**
 * Walks the outermost fields, so that a file cut short and a file of another kind are told apart before the decoder
 * reads it: its own message would only be that the data ended.
 */
function checkEnvelope(bytes: Uint8Array): void {
  if (bytes.length === 0) throw invalid('The file is empty; fetch or export it again.');
  let position = 0;
  while (position < bytes.length) {
    const tag = readVarint(bytes, position);
    const field = Math.floor((tag?.value ?? 0) / 8);
    const wireType = (tag?.value ?? 0) % 8;
    if (tag !== null && (!MODEL_FIELDS.has(field) || wireType !== (VARINT_FIELDS.has(field) ? 0 : 2))) {
      throw invalid(`The file is not an ONNX model${hintOf(bytes)}.`);
    }
    const content = tag === null ? null : readVarint(bytes, tag.end);
    const end = content === null ? Infinity : content.end + (wireType === 2 ? content.value : 0);
    if (end > bytes.length) {
      throw invalid(
        Number.isFinite(end)
          ? `The file is cut short: it has ${bytes.length} bytes where at least ${end} are announced; fetch or export it again.`
          : `The file is cut short after ${bytes.length} bytes; fetch or export it again.`,
      );
    }
    position = end;
  }
}

function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } | null {
  let value = 0;
  for (let index = start, factor = 1; index < bytes.length && index < start + 10; index++, factor *= 128) {
    const byte = bytes[index] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return { value, end: index + 1 };
  }
  return null;
}

/** What the first bytes look like, for files that are often met in a model's place. */
function hintOf(bytes: Uint8Array): string {
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 64)).trimStart().toLowerCase();
  if (start.startsWith('version https://git-lfs')) return ' but a Git LFS pointer to one: run `git lfs pull`';
  if (start.startsWith('<')) return ' but a web page: download the file itself';
  if (start.startsWith('pk')) return ' but a zip archive: unpack it';
  return ': its first bytes are not those of the format';
}

function invalid(message: string, cause?: unknown): ServingError {
  return new ServingError('MODEL_INVALID', message, cause === undefined ? undefined : { cause });
}
