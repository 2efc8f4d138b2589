import type { Client } from '@grpc/grpc-js';
import {
  ClassifyRequest,
  DetectRequest,
  EmbedRequest,
  FramePolicy,
  InferenceService,
  MaskFormat,
  PixelFormat,
  SegmentRequest,
  type ClassifyResponse,
  type DetectOptions,
  type DetectResponse,
  type Detection,
  type EmbedResponse,
  type Frame as FrameMessage,
  type FrameInfo,
  type Region,
  type SegmentResponse,
  type StreamOptions,
  type Timings,
} from '../../server/gen/sluice/v1/inference.js';
import { callOptions, type CallSettings } from './call-settings.js';
import { openChannel, type ConnectionSettings, type TlsSettings } from './channel.js';
import { asBuffer, exchange, type Source } from './exchange.js';
import { resumedStream } from './resumed-stream.js';

export { FramePolicy, MaskFormat, PixelFormat };
export type { ConnectionSettings, TlsSettings };
export type { ClassifyResponse, DetectResponse, Detection, EmbedResponse, Region, SegmentResponse, Timings };

/** Pixels as they are; see RawPicture in the protocol. */
export interface RawPixels {
  readonly format: PixelFormat;
  readonly width: number;
  readonly height: number;
  /** Bytes a row; left out: packed. */
  readonly stride?: number;
  readonly data: Uint8Array;
}

/** One item of a stream: a JPEG, PNG or WebP file, raw pixels, or the text of a model that reads. */
export interface Frame {
  readonly picture: Uint8Array | RawPixels | string;
  /** Repeated by the answer. */
  readonly id?: string;
  /** Milliseconds after which the answer is worth nothing. */
  readonly timeoutMs?: number;
  /** From 1, the first; left out: the model's default. */
  readonly priority?: number;
}

/** A picture with the parts of it that count; none: all of it. */
export interface RegionsFrame extends Frame {
  readonly regions?: readonly Region[];
}

/** Options of every stream; see StreamOptions in the protocol. */
export interface StreamSettings extends CallSettings {
  /** May be left out where the server has only one model that answers the call. */
  readonly model?: string;
  readonly version?: string;
  readonly framePolicy?: FramePolicy;
  /** Frames in flight in the server. */
  readonly window?: number;
  /**
   * How often in a row the stream is opened again when it breaks off with UNAVAILABLE, as it does when a replica stops; the
   * frames without an answer are sent again. Left out: 0, the failure is told. Tracks begin anew on another server.
   */
  readonly resume?: number;
}

/** Options of a stream of detections; see DetectOptions in the protocol. */
export interface DetectSettings extends StreamSettings {
  readonly scoreThreshold?: number;
  readonly nmsThreshold?: number;
  readonly classIds?: readonly number[];
  readonly maxDetections?: number;
  readonly maskFormat?: MaskFormat;
  /** Also draw what was found into the picture. */
  readonly annotate?: boolean;
}

/** Options of a stream of classifications; see ClassifyOptions in the protocol. */
export interface ClassifySettings extends StreamSettings {
  readonly topK?: number;
  readonly scoreThreshold?: number;
}

/** Options of a stream of segmentations; see SegmentOptions in the protocol. */
export interface SegmentSettings extends StreamSettings {
  readonly probabilityMap?: boolean;
}

/**
 * A client of one Sluice server. Frames go in as an iterable, answers come out as an async iterable in the same order;
 * both ends wait for each other, so a video of any length needs the memory of a few frames.
 *
 * A frame that failed is answered with `frame.error` set; a stream that failed throws grpc-js's ServiceError. A call that
 * fails with UNAVAILABLE before its first answer is tried again, three times at most.
 */
export class SluiceClient implements Disposable {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  /**
   * Connects to `host:port`, or to the replicas behind a target of gRPC's such as `dns:///sluice-replicas:8001`, which take
   * streams in turn. Rejects when no server answers in time.
   */
  static async connect(address: string, settings: ConnectionSettings = {}): Promise<SluiceClient> {
    return new SluiceClient(await openChannel(address, settings));
  }

  /** Finds objects in each frame; with regions, by models that look at one object at a time. */
  async *detect(frames: Source<RegionsFrame>, settings: DetectSettings = {}): AsyncGenerator<DetectResponse> {
    const options = detectOptions(settings);
    yield* this.#stream(InferenceService.detect, DetectRequest, frames, settings, (frame, first) => ({
      options: first ? options : undefined,
      ...withRegions(frame),
    }));
  }

  /** Embeds each frame, or its regions. */
  async *embed(frames: Source<RegionsFrame>, settings: StreamSettings = {}): AsyncGenerator<EmbedResponse> {
    const options = { stream: streamOptions(settings) };
    yield* this.#stream(InferenceService.embed, EmbedRequest, frames, settings, (frame, first) => ({
      options: first ? options : undefined,
      ...withRegions(frame),
    }));
  }

  /** Tells the classes of each frame, or of its regions. */
  async *classify(frames: Source<RegionsFrame>, settings: ClassifySettings = {}): AsyncGenerator<ClassifyResponse> {
    const { topK = 0, scoreThreshold } = settings;
    const options = { stream: streamOptions(settings), topK, scoreThreshold };
    yield* this.#stream(InferenceService.classify, ClassifyRequest, frames, settings, (frame, first) => ({
      options: first ? options : undefined,
      ...withRegions(frame),
    }));
  }

  /** Tells the class of every pixel of each frame. */
  async *segment(frames: Source<Frame>, settings: SegmentSettings = {}): AsyncGenerator<SegmentResponse> {
    const options = { stream: streamOptions(settings), probabilityMap: settings.probabilityMap ?? false };
    yield* this.#stream(InferenceService.segment, SegmentRequest, frames, settings, (frame, first) => ({
      options: first ? options : undefined,
      frame: withRegions(frame).frame,
    }));
  }

  async *#stream<F, Request, Response extends { readonly frame?: FrameInfo | undefined }>(
    method: { readonly path: string; readonly responseDeserialize: (bytes: Buffer) => Response },
    message: { encode(message: Request): { finish(): Uint8Array } },
    frames: Source<F>,
    settings: StreamSettings,
    toMessage: (frame: F | null, first: boolean) => Request,
  ): AsyncGenerator<Response> {
    const { signal, resume = 0 } = settings;
    const serialize = (request: Request): Buffer => asBuffer(message.encode(request).finish());
    const { path, responseDeserialize } = method;
    const options = callOptions(settings);
    const open = (some: Source<F>): AsyncGenerator<Response> => {
      const call = this.#client.makeBidiStreamRequest(path, serialize, responseDeserialize, options);
      // An empty iterable still sends its options, so that mistakes are told.
      return exchange(call, some, signal, toMessage);
    };
    yield* resume === 0 ? open(frames) : resumedStream(frames, { times: resume, signal }, open);
  }

  /** Closes the connection; open streams fail. */
  [Symbol.dispose](): void {
    this.#client.close();
  }
}

function detectOptions(settings: DetectSettings): DetectOptions {
  return {
    stream: streamOptions(settings),
    scoreThreshold: settings.scoreThreshold,
    nmsThreshold: settings.nmsThreshold,
    classIds: [...(settings.classIds ?? [])],
    maxDetections: settings.maxDetections ?? 0,
    maskFormat: settings.maskFormat ?? MaskFormat.MASK_FORMAT_UNSPECIFIED,
    annotate: settings.annotate ?? false,
  };
}

function withRegions(frame: RegionsFrame | null): { frame: FrameMessage | undefined; regions: Region[] } {
  return { frame: frame === null ? undefined : frameMessage(frame), regions: [...(frame?.regions ?? [])] };
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
    content: contentOf(picture),
  };
}

function contentOf(picture: Frame['picture']): NonNullable<FrameMessage['content']> {
  if (typeof picture === 'string') return { $case: 'text', text: picture };
  if (picture instanceof Uint8Array) return { $case: 'encoded', encoded: picture };
  return { $case: 'raw', raw: { ...picture, stride: picture.stride ?? 0 } };
}
