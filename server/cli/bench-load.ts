import type { DetectResponse, Frame, SluiceClient } from '../../clients/typescript/sluice-client.js';

/** What an answer tells about its frame. */
export type FrameInfo = NonNullable<DetectResponse['frame']>;

/** The calls of the protocol, as methods of the client. */
export type Call = 'detect' | 'embed';

/** Frames to send, and how fast. */
export interface Load {
  readonly call: Call;
  /** Left out: the only model that answers the call. */
  readonly model?: string;
  /** Sent in turn, over and over. */
  readonly pictures: readonly Frame['picture'][];
  /** Frames of a stream between being written and being answered; a new one is written only below that. */
  readonly window: number;
  readonly streams: number;
  /** How many frames to send in all; Infinity: as many as `seconds` allow. */
  readonly frames: number;
  /** For how long frames are written; Infinity: until all `frames` are. */
  readonly seconds: number;
}

/** One frame as its sender saw it. */
export interface FrameSample {
  /** Milliseconds of `performance.now()` when the stream took the frame. */
  readonly writtenAt: number;
  /** Milliseconds of `performance.now()` when its answer was read. */
  readonly answeredAt: number;
  readonly frame: FrameInfo;
}

/** Sends a load and resolves with every answer, in the order in which they came. Throws when a stream fails. */
export async function drive(
  client: SluiceClient,
  load: Load,
  onAnswer: (sample: FrameSample) => void = () => {},
): Promise<FrameSample[]> {
  const source = new PictureSource(load);
  const samples: FrameSample[] = [];
  const take = (sample: FrameSample): void => {
    samples.push(sample);
    onAnswer(sample);
  };
  await Promise.all(Array.from({ length: load.streams }, () => driveStream(client, load, source, take)));
  return samples;
}

async function driveStream(
  client: SluiceClient,
  { call, model, window }: Load,
  source: PictureSource,
  take: (sample: FrameSample) => void,
): Promise<void> {
  const writtenAt: number[] = [];
  let answered = 0;
  let wake = (): void => {};
  /** Closed loop: a frame leaves only when the window has room, so that latency has no queue of the sender's in it. */
  async function* frames(): AsyncGenerator<Frame> {
    for (;;) {
      while (writtenAt.length - answered >= window) await new Promise<void>((resolve) => (wake = resolve));
      const picture = source.next();
      if (picture === null) return;
      writtenAt.push(performance.now());
      yield { picture };
    }
  }
  const settings = { window, ...(model === undefined ? {} : { model }) };
  for await (const { frame } of client[call](frames(), settings)) {
    take({ writtenAt: writtenAt[answered]!, answeredAt: performance.now(), frame: frame! });
    answered += 1;
    wake();
  }
}

/** What all streams of a load send, until it ends. */
class PictureSource {
  readonly #pictures: readonly Frame['picture'][];
  readonly #frames: number;
  readonly #endsAt: number;
  #sent = 0;

  constructor({ pictures, frames, seconds }: Load) {
    this.#pictures = pictures;
    this.#frames = frames;
    this.#endsAt = performance.now() + seconds * 1000;
  }

  /** The next picture; null: that was all. */
  next(): Frame['picture'] | null {
    if (this.#sent >= this.#frames || performance.now() >= this.#endsAt) return null;
    const picture = this.#pictures[this.#sent % this.#pictures.length];
    this.#sent += 1;
    return picture ?? null;
  }
}
