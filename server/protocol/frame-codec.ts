import { ServingError } from '../core/errors.js';
import type { RequestTimings } from '../core/inference.js';
import type { TaskInput } from '../core/model-config.js';
import type { Content, Picture, PixelFormat as CorePixelFormat, Text } from '../core/picture.js';
import type { Duration } from '../gen/google/protobuf/duration.js';
import { PixelFormat, type Frame, type FrameInfo, type RawPicture, type Timings } from '../gen/sluice/v1/inference.js';

const MAX_FRAME_ID_BYTES = 256;
const MAX_RAW_SIDE = 16384;
const MAX_TEXT_BYTES = 65_536;

const PIXEL_FORMATS = new Map<PixelFormat, CorePixelFormat>([
  [PixelFormat.PIXEL_FORMAT_RGB8, 'rgb8'],
  [PixelFormat.PIXEL_FORMAT_BGR8, 'bgr8'],
  [PixelFormat.PIXEL_FORMAT_GRAY8, 'gray8'],
  [PixelFormat.PIXEL_FORMAT_NV12, 'nv12'],
]);

/** What of a frame does not depend on the model. */
export interface FrameHeader {
  readonly content: Content;
  /** Microseconds from arrival; null: none given. */
  readonly timeout: number | null;
  /** 0: the model's default. */
  readonly priority: number;
}

/**
 * Checks a frame for a model that takes `input`, and takes it apart; the picture's bytes alias the message. Throws
 * INVALID_REQUEST or BAD_IMAGE.
 */
export function readFrame(frame: Frame, input: TaskInput): FrameHeader {
  if (Buffer.byteLength(frame.frameId) > MAX_FRAME_ID_BYTES) {
    throw new ServingError('INVALID_REQUEST', `frame_id is longer than ${MAX_FRAME_ID_BYTES} bytes`);
  }
  if (input === 'points') {
    throw new ServingError('INVALID_REQUEST', 'the model reads key points; make it a stage of a pipeline');
  }
  if (input === 'tensors') {
    throw new ServingError(
      'INVALID_REQUEST',
      'the model takes tensors; call inference.GRPCInferenceService.ModelInfer',
    );
  }
  const content = input === 'text' ? readText(frame) : readPicture(frame);
  return { content, timeout: readTimeout(frame.timeout), priority: frame.priority };
}

function readPicture({ content }: Frame): Picture {
  switch (content?.$case) {
    case 'encoded':
      requireKnownFile(content.encoded);
      return { kind: 'encoded', bytes: content.encoded };
    case 'raw':
      return readRawPicture(content.raw);
    case 'text':
      throw new ServingError('INVALID_REQUEST', 'the model takes pictures, not texts; set `encoded` or `raw`');
    case undefined:
      throw new ServingError('INVALID_REQUEST', 'the frame has no picture; set `encoded` or `raw`');
  }
}

function readText({ content }: Frame): Text {
  if (content?.$case !== 'text') throw new ServingError('INVALID_REQUEST', 'the model takes texts; set `text`');
  const bytes = Buffer.byteLength(content.text);
  if (bytes <= MAX_TEXT_BYTES) return { kind: 'text', text: content.text };
  throw new ServingError('INVALID_REQUEST', `the text has ${bytes} bytes; ${MAX_TEXT_BYTES} is the most`);
}

/** Only formats that the protocol names reach a decoder. */
function requireKnownFile(bytes: Uint8Array): void {
  if (bytes.length === 0) throw new ServingError('BAD_IMAGE', 'the picture has no bytes');
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  const known =
    head.startsWith('\xff\xd8\xff') ||
    head.startsWith('\x89PNG\r\n\x1a\n') ||
    (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP');
  if (!known) throw new ServingError('BAD_IMAGE', 'the picture is not a JPEG, PNG or WebP file');
}

function readRawPicture(raw: RawPicture): Picture {
  const { width, height, data } = raw;
  const format = PIXEL_FORMATS.get(raw.format);
  if (format === undefined) {
    throw new ServingError('INVALID_REQUEST', `raw.format ${raw.format} is none of RGB8, BGR8, GRAY8 and NV12`);
  }
  if (!(width >= 1 && width <= MAX_RAW_SIDE && height >= 1 && height <= MAX_RAW_SIDE)) {
    throw new ServingError(
      'BAD_IMAGE',
      `raw size ${width}x${height} is outside 1x1 to ${MAX_RAW_SIDE}x${MAX_RAW_SIDE}`,
    );
  }
  if (format === 'nv12' && (width % 2 === 1 || height % 2 === 1)) {
    throw new ServingError('BAD_IMAGE', `NV12 needs an even width and height, not ${width}x${height}`);
  }
  const packed = format === 'rgb8' || format === 'bgr8' ? width * 3 : width;
  const stride = raw.stride === 0 ? packed : raw.stride;
  if (stride < packed) {
    throw new ServingError('BAD_IMAGE', `stride ${stride} is less than a row of ${packed} bytes (width ${width})`);
  }
  const rows = format === 'nv12' ? (height * 3) / 2 : height;
  const needed = stride * (rows - 1) + packed;
  if (data.length < needed) {
    throw new ServingError(
      'BAD_IMAGE',
      `${width}x${height} ${format} with stride ${stride} needs ${needed} bytes, but data has ${data.length}`,
    );
  }
  return { kind: 'raw', format, width, height, stride, bytes: data };
}

function readTimeout(timeout: Duration | undefined): number | null {
  if (timeout === undefined) return null;
  const microseconds = timeout.seconds * 1e6 + timeout.nanos / 1e3;
  if (microseconds > 0) return microseconds;
  throw new ServingError('INVALID_REQUEST', 'timeout must be positive; leave it out for none');
}

/** What is known of a frame before it is inferred. */
export function newFrameInfo({ frameId, captureTime }: Frame, index: number, modelName: string): FrameInfo {
  return {
    frameId,
    captureTime,
    index,
    modelName,
    modelVersion: '',
    width: 0,
    height: 0,
    timings: undefined,
    error: undefined,
  };
}

/** Durations are told as whole microseconds. */
export function writeTimings(timings: RequestTimings): Timings {
  return {
    queueUs: Math.round(timings.queue),
    decodeUs: Math.round(timings.decode),
    preprocessUs: Math.round(timings.preprocess),
    inferUs: Math.round(timings.infer),
    postprocessUs: Math.round(timings.postprocess),
    totalUs: Math.round(timings.total),
    batchSize: timings.batchSize,
  };
}

/** Throws INVALID_REQUEST unless `value` lies in [0, 1]; NaN does not. */
export function requireFraction(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw new ServingError('INVALID_REQUEST', `${name} is ${value}; it must lie between 0 and 1`);
}
