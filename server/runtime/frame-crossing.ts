import { ServingError } from '../core/errors.js';
import type { InferenceRequest, InferenceResult } from '../core/inference.js';
import type { HeldPicture, KeptPicture } from '../core/picture.js';
import type { BatchDone, FrameTask } from './messages.js';
import type { PictureRooms } from './picture-rooms.js';

/** Ends of buffers beyond this are somebody else's: Node keeps small messages in shared slabs. */
export const MESSAGE_OVERHEAD = 4096;

/** The requests of a batch as they cross to a worker. */
export function packFrames(
  requests: readonly InferenceRequest[],
  transferList: ArrayBuffer[],
  rooms: PictureRooms,
): FrameTask[] {
  return requests.map((request) => toTask(request, transferList, rooms));
}

/** The request as it crosses, its picture moved where the buffer is the message's own and copied where it is shared. */
function toTask(
  { content, parameters, keep }: InferenceRequest,
  transferList: ArrayBuffer[],
  rooms: PictureRooms,
): FrameTask {
  const task = { parameters, ...(keep === undefined ? {} : { keep, room: rooms.take() }) };
  if (content.kind !== 'encoded' && content.kind !== 'raw') return { ...task, content };
  const { bytes } = content;
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength - bytes.byteLength <= MESSAGE_OVERHEAD) {
    transferList.push(buffer);
    return { ...task, content };
  }
  return { ...task, content: { ...content, bytes: new Uint8Array(bytes) } };
}

/** What each request is answered with. `hold` takes what was kept of its picture. */
export function unpackFrames(
  { frames, values }: BatchDone,
  hold: (kept: KeptPicture) => HeldPicture,
): InferenceResult[] {
  let offset = 0;
  return frames.map(({ width, height, error, rows, columns, layout, rowErrors, attachments, kept }) => {
    if (error !== null) return { width, height, outcome: ServingError.fromData(error) };
    const start = offset;
    offset += rows * columns;
    return {
      width,
      height,
      outcome: {
        rows,
        columns,
        layout,
        values: values.subarray(start, offset),
        rowErrors: rowErrors?.map((data) => (data === null ? null : ServingError.fromData(data))) ?? null,
        attachments,
      },
      ...(kept === undefined ? {} : { picture: hold(kept) }),
    };
  });
}
