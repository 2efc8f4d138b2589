import type { EventEmitter } from 'node:events';
import type { Client, ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import {
  DetectRequest,
  EmbedRequest,
  FramePolicy,
  InferenceService,
  PixelFormat,
  type DetectOptions,
  type DetectResponse,
  type Detection,
  type EmbedResponse,
  type Frame as FrameMessage,
  type Region,
  type StreamOptions,
  type Timings,
} from '../../server/gen/sluice/v1/inference.js';
import { openChannel } from './channel.js';

export { FramePolicy, PixelFormat };
export type { DetectResponse, Detection, EmbedResponse, Region, Timings };

/** Pixels as they are; see RawPicture in the protocol. */
export interface RawPixels {
  readonly format: PixelFormat;
  readonly width: number;
  readonly height: number;
  /** Bytes a row; left out: packed. */
  readonly stride?: number;
  readonly data: Uint8Array;
}

/** One picture of a stream: a JPEG, PNG or WebP file, or raw pixels. */
export interface Frame {
  readonly picture: Uint8Array | RawPixels;
  /** Repeated by the answer. */
  readonly id?: string;
  /** Milliseconds after which the answer is worth nothing. */
  readonly timeoutMs?: number;
  /** From 1, the first; left out: the model's default. */
  readonly priority?: number;
}

/** A picture with the parts of it to embed; none: all of it. */
export interface EmbedFrame extends Frame {
  readonly regions?: readonly Region[];
}

/** Options of every stream; see StreamOptions in the protocol. */
export interface StreamSettings {
  /** May be left out where the server has only one model that answers the call. */
  readonly model?: string;
  readonly version?: string;
  readonly framePolicy?: FramePolicy;
  /** Frames in flight in the server. */
  readonly window?: number;
  /** Ends the stream: everything that is queued is cancelled. */
  readonly signal?: AbortSignal;
}

/** Options of a stream of detections; see DetectOptions in the protocol. */
export interface DetectSettings extends StreamSettings {
  readonly scoreThreshold?: number;
  readonly nmsThreshold?: number;
  readonly classIds?: readonly number[];
  readonly maxDetections?: number;
}

type Frames<F> = Iterable<F> | AsyncIterable<F>;

/**
 * A client of one Sluice server. Frames go in as an iterable, answers come out as an async iterable in the same order;
 * both ends wait for each other, so a video of any length needs the memory of a few frames.
 *
 * A frame that failed is answered with `frame.error` set; a stream that failed throws grpc-js's ServiceError.
 */
export class SluiceClient implements Disposable {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /** Connects to `host:port`. Rejects when no server answers within `timeoutMs`. */
  static async connect(address: string, timeoutMs = 5000): Promise<SluiceClient> {
    return new SluiceClient(await openChannel(address, timeoutMs));
  }

  /** Finds objects in each frame. */
  async *detect(frames: Frames<Frame>, settings: DetectSettings = {}): AsyncGenerator<DetectResponse> {
    const options = detectOptions(settings);
    const { path, responseDeserialize } = InferenceService.detect;
    const serialize = (message: DetectRequest): Buffer => asBuffer(DetectRequest.encode(message).finish());
    const call = this.#client.makeBidiStreamRequest(path, serialize, responseDeserialize);
    yield* exchange(call, frames, settings.signal, (frame, first) => ({
      options: first ? options : undefined,
      frame: frame === null ? undefined : frameMessage(frame),
    }));
  }

  /** Embeds each frame, or its regions. */
  async *embed(frames: Frames<EmbedFrame>, settings: StreamSettings = {}): AsyncGenerator<EmbedResponse> {
    const options = { stream: streamOptions(settings) };
    const { path, responseDeserialize } = InferenceService.embed;
    const serialize = (message: EmbedRequest): Buffer => asBuffer(EmbedRequest.encode(message).finish());
    const call = this.#client.makeBidiStreamRequest(path, serialize, responseDeserialize);
    yield* exchange(call, frames, settings.signal, (frame, first) => ({
      options: first ? options : undefined,
      frame: frame === null ? undefined : frameMessage(frame),
      regions: [...(frame?.regions ?? [])],
    }));
  }

  /** Closes the connection; open streams fail. */
  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** Sends the frames and yields the answers. An empty iterable still sends its options, so that mistakes are told. */
async function* exchange<F, Request, Response>(
  call: ClientDuplexStream<Request, Response>,
  frames: Frames<F>,
  signal: AbortSignal | undefined,
  toMessage: (frame: F | null, first: boolean) => Request,
): AsyncGenerator<Response> {
  const cancel = (): void => call.cancel();
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  let failure: { readonly error: unknown } | null = null;
  const sent = send(call, frames, toMessage).catch((error: unknown) => {
    // The frames themselves could not be produced: there is nothing more to answer.
    failure = { error };
    call.cancel();
  });
  try {
    for await (const response of call) yield response as Response;
    await sent;
  } catch (error) {
    if (failure !== null) throw (failure as { error: unknown }).error;
    throw error as ServiceError;
  } finally {
    signal?.removeEventListener('abort', cancel);
    call.cancel();
  }
}

async function send<F, Request, Response>(
  call: ClientDuplexStream<Request, Response>,
  frames: Frames<F>,
  toMessage: (frame: F | null, first: boolean) => Request,
): Promise<void> {
  let first = true;
  for await (const frame of frames) {
    if (call.destroyed) return;
    const more = call.write(toMessage(frame, first));
    first = false;
    if (!more) await writable(call);
  }
  if (first) call.write(toMessage(null, true));
  call.end();
}

/** Resolves when the call takes more, or has ended. */
function writable(call: EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'status'] as const) call.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'status'] as const) call.once(event, done);
  });
}

function detectOptions(settings: DetectSettings): DetectOptions {
  return {
    stream: streamOptions(settings),
    scoreThreshold: settings.scoreThreshold,
    nmsThreshold: settings.nmsThreshold,
    classIds: [...(settings.classIds ?? [])],
    maxDetections: settings.maxDetections ?? 0,
  };
}

function streamOptions(settings: StreamSettings): StreamOptions {
  return {
    model: settings.model ?? '',
    version: settings.version ?? '',
    framePolicy: settings.framePolicy ?? FramePolicy.FRAME_POLICY_UNSPECIFIED,
    window: settings.window ?? 0,
  };
}

function frameMessage({ id, picture, timeoutMs, priority }: Frame): FrameMessage {
  return {
    frameId: id ?? '',
    captureTime: undefined,
    timeout:
      timeoutMs === undefined
        ? undefined
        : { seconds: Math.floor(timeoutMs / 1000), nanos: Math.round((timeoutMs % 1000) * 1e6) },
    priority: priority ?? 0,
    picture:
      picture instanceof Uint8Array
        ? { $case: 'encoded', encoded: picture }
        : { $case: 'raw', raw: { ...picture, stride: picture.stride ?? 0 } },
  };
}

/** The same memory as a Buffer. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
