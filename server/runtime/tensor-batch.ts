import { ServingError } from '../core/errors.js';
import type { InferenceRequest, InferenceResult } from '../core/inference.js';
import type { Tensors } from '../core/picture.js';
import { alignmentOf, splitRows, type Tensor } from '../core/tensors.js';
import { MESSAGE_OVERHEAD } from './frame-crossing.js';
import type { CrossingBatch, TensorInput, TensorsDone } from './messages.js';
import type { TensorDesk } from './tensor-desk.js';

/**
 * The requests of a batch, which share a batch key, as they cross to a worker. Small ones are laid on its desk; of others
 * the buffers are moved where they are the message's own, copied where they are shared.
 */
export function packTensors(
  requests: readonly InferenceRequest[],
  transferList: ArrayBuffer[],
  desk: TensorDesk,
): CrossingBatch {
  const contents = requests.map(({ content }) => (content as Tensors).tensors);
  const parts = desk.hasRoom(contents) ? desk.lay(contents) : moveLarge(contents, transferList);
  const rows = requests.map((request) => request.rows);
  return {
    rows,
    inputs: contents[0]!.map(({ name, datatype, shape }, input) => {
      return { name, datatype, shape, parts: parts.map((ofRequest) => ofRequest[input]!) };
    }),
    outputs: wantedOutputs(requests),
  };
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

/**
 * The data of an input of all requests, as one piece that begins where its type may: a view where it lies so already, else
 * in the room that `take` has for so many bytes.
 */
export function joinParts({ datatype, parts }: TensorInput, take: (bytes: number) => Uint8Array): Uint8Array {
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
  const joined = take(total);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
