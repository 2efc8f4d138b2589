import { ServingError } from '../core/errors.js';
import type { InferenceRequest, InferenceResult } from '../core/inference.js';
import type { Tensors } from '../core/picture.js';
import { alignmentOf, splitRows, type Tensor } from '../core/tensors.js';
import { MESSAGE_OVERHEAD } from './frame-crossing.js';
import type { TensorBatch, TensorInput, TensorsDone } from './messages.js';

/** Batches of fewer bytes cross in one buffer: what a thread is handed costs more by its number than by its size. */
const SMALL_BATCH_BYTES = 65_536;

/** Where elements of every type may begin. */
const WIDEST = 8;

/**
 * The requests of a batch, which share a batch key, as they cross to a worker. Small ones are copied into one buffer;
 * of others the buffers are moved where they are the message's own, copied where they are shared.
 */
export function packTensors(requests: readonly InferenceRequest[], transferList: ArrayBuffer[]): TensorBatch {
  const contents = requests.map(({ content }) => (content as Tensors).tensors);
  const bytes = contents.flat().reduce((sum, { data }) => sum + data.length, 0);
  const parts = bytes <= SMALL_BATCH_BYTES ? packSmall(contents, transferList) : moveLarge(contents, transferList);
  const rows = requests.map((request) => request.rows);
  return {
    rows,
    inputs: contents[0]!.map(({ name, datatype, shape }, input): TensorInput => {
      return { name, datatype, shape, parts: parts.map((ofRequest) => ofRequest[input]!) };
    }),
    outputs: wantedOutputs(requests),
  };
}

/** The data of each request's tensors in one buffer, where those of an input follow one another. */
function packSmall(contents: readonly (readonly Tensor[])[], transferList: ArrayBuffer[]): Uint8Array[][] {
  const inputs = contents[0]!.length;
  const room = contents.flat().reduce((sum, { data }) => sum + data.length, inputs * WIDEST);
  const buffer = Buffer.allocUnsafeSlow(room);
  transferList.push(buffer.buffer);
  const parts = contents.map((): Uint8Array[] => []);
  let at = 0;
  for (let input = 0; input < inputs; input++) {
    at = Math.ceil(at / WIDEST) * WIDEST;
    contents.forEach((tensors, request) => {
      const { data } = tensors[input]!;
      buffer.set(data, at);
      parts[request]!.push(new Uint8Array(buffer.buffer, at, data.length));
      at += data.length;
    });
  }
  return parts;
}

function moveLarge(contents: readonly (readonly Tensor[])[], transferList: ArrayBuffer[]): Uint8Array[][] {
  return contents.map((tensors) => {
    const own = ownBuffers(tensors);
    transferList.push(...own);
    return tensors.map(({ data }) => {
      const { buffer } = data;
      return buffer instanceof SharedArrayBuffer || own.has(buffer) ? data : new Uint8Array(data);
    });
  });
}

/** The buffers that hold the tensors of a request and next to nothing else. One message may hold several of them. */
function ownBuffers(tensors: readonly Tensor[]): Set<ArrayBuffer> {
  const used = new Map<ArrayBuffer, number>();
  for (const { data } of tensors) {
    const { buffer } = data;
    if (buffer instanceof ArrayBuffer) used.set(buffer, (used.get(buffer) ?? 0) + data.length);
  }
  const own = [...used].filter(([buffer, bytes]) => buffer.byteLength - bytes <= MESSAGE_OVERHEAD);
  return new Set(own.map(([buffer]) => buffer));
}

/** The outputs that any of the requests wants; null: all. */
function wantedOutputs(requests: readonly InferenceRequest[]): readonly string[] | null {
  const wanted = new Set<string>();
  for (const { parameters } of requests) {
    if (parameters.kind !== 'infer' || parameters.outputs === null) return null;
    for (const name of parameters.outputs) wanted.add(name);
  }
  return [...wanted];
}

/** What each request is answered with; outputs alias what came back. */
export function unpackTensors({ answers }: TensorsDone, requests: readonly InferenceRequest[]): InferenceResult[] {
  const results: InferenceResult[] = [];
  for (const answer of answers) {
    const answered = requests.slice(results.length, results.length + answer.requests);
    if ('error' in answer) {
      results.push(...answered.map(() => NOT_SEEN(ServingError.fromData(answer.error))));
      continue;
    }
    const rows = answered.map((request) => request.rows);
    const split = answer.outputs.map((output) =>
      rows.length === 1 && !answer.batched ? [output] : splitRows(output, rows),
    );
    answered.forEach(({ parameters }, index) => {
      const tensors = split.map((parts) => parts[index]!);
      results.push(NOT_SEEN({ tensors: chosen(tensors, parameters) }));
    });
  }
  return results;
}

/** Nothing was looked at that has a size. */
function NOT_SEEN(outcome: InferenceResult['outcome']): InferenceResult {
  return { width: 0, height: 0, outcome };
}

function chosen(tensors: readonly Tensor[], parameters: InferenceRequest['parameters']): readonly Tensor[] {
  if (parameters.kind !== 'infer' || parameters.outputs === null) return tensors;
  return parameters.outputs.map((name) => tensors.find((tensor) => tensor.name === name)!);
}

/** The data of an input of all requests, as one piece that begins where its type may; a view where it lies so already. */
export function joinParts({ datatype, parts }: TensorInput): Uint8Array {
  const [first] = parts;
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  let end = first!.byteOffset;
  const inOnePiece = parts.every((part) => {
    const follows = part.buffer === first!.buffer && part.byteOffset === end;
    end += part.length;
    return follows;
  });
  if (inOnePiece && first!.byteOffset % alignmentOf(datatype) === 0) {
    return new Uint8Array(first!.buffer, first!.byteOffset, total);
  }
  const joined = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
