import { SluiceClient, type ConnectionSettings, type Frame } from '../../../clients/typescript/sluice-client.js';
import { statusName } from '../../../clients/typescript/status-name.js';
import { StreamSender } from './stream-sender.js';
import type { Outcome, Sender, Target } from './target.js';

/** The calls of Sluice's protocol, as methods of the client. */
const CALLS = ['detect', 'embed', 'classify', 'segment'] as const;

export type Call = (typeof CALLS)[number];

/** Where frames go, and which. */
export interface SluiceLoad {
  readonly address: string;
  readonly settings?: ConnectionSettings;
  /** Left out: the only model that answers the call. */
  readonly model?: string;
  /** Sent in turn, over and over. */
  readonly pictures: readonly Frame['picture'][];
  readonly connections: number;
  readonly streams: number;
}

/** A model behind Sluice's own protocol: each sender is a stream of frames. */
export class SluiceTarget implements Target {
  readonly call: Call;
  readonly #load: SluiceLoad;
  readonly #clients: readonly SluiceClient[];
  #model: string;
  #sent = 0;

  private constructor(load: SluiceLoad, clients: readonly SluiceClient[], call: Call) {
    this.#load = load;
    this.#clients = clients;
    this.#model = load.model ?? '';
    this.call = call;
  }

  /** Connects, and finds out which call the model answers. Throws what the server says of the model. */
  static async open(load: SluiceLoad): Promise<SluiceTarget> {
    const clients = await Promise.all(
      Array.from({ length: load.connections }, () => SluiceClient.connect(load.address, load.settings)),
    );
    try {
      return new SluiceTarget(load, clients, await callOf(clients[0]!, load.model));
    } catch (error) {
      for (const client of clients) client[Symbol.dispose]();
      throw error;
    }
  }

  /** As the server names it in its answers. */
  get model(): string {
    return this.#model;
  }

  senders(inFlight: number): Sender[] {
    const { streams, model, pictures } = this.#load;
    const settings = { window: inFlight, ...(model === undefined ? {} : { model }) };
    return Array.from({ length: streams }, (_, index) => {
      const client = this.#clients[index % this.#clients.length]!;
      const open = (frames: AsyncIterable<Frame>) => this.#outcomes(client[this.call](frames, settings));
      return new StreamSender(open, () => ({ picture: pictures[this.#sent++ % pictures.length]! }));
    });
  }

  async *#outcomes(answers: ReturnType<SluiceClient[Call]>): AsyncGenerator<Outcome> {
    for await (const { frame } of answers) {
      this.#model = frame?.modelName ?? this.#model;
      const error = frame?.error;
      yield {
        failure: error === undefined ? null : { status: error.code, message: error.message },
        timings: frame?.timings ?? null,
      };
    }
  }

  async totals(): Promise<null> {
    return null;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client[Symbol.dispose]();
  }
}

/** Which call a model answers, told by streams without a frame. Throws what the last of them throws. */
async function callOf(client: SluiceClient, model: string | undefined): Promise<Call> {
  for (const call of CALLS) {
    try {
      for await (const _ of client[call]([], model === undefined ? {} : { model }));
      return call;
    } catch (error) {
      if (statusName(error) !== 'UNIMPLEMENTED' || call === CALLS.at(-1)) throw error;
    }
  }
  throw new Error('unreachable');
}
