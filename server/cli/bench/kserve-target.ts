import type { ConnectionSettings } from '../../../clients/typescript/channel.js';
import { KServeClient, type InferRequest, type Tensor } from '../../../clients/typescript/kserve-client.js';
import { failedCall } from './failure.js';
import { StreamSender } from './stream-sender.js';
import { SharedRequests, type PlainRequest } from './shared-requests.js';
import type { Outcome, Sender, ServerTotals, Target } from './target.js';
import { makeInputs, type InputRules } from './tensors.js';

/** Where requests go, and what is in them. */
export interface KServeLoad extends InputRules {
  readonly address: string;
  readonly settings?: ConnectionSettings;
  readonly model: string;
  readonly connections: number;
  /** 0: calls of ModelInfer; else streams of ModelStreamInfer side by side. */
  readonly streams: number;
}

const ANSWERED: Outcome = { failure: null, timings: null };

/** A model behind KServe's protocol v2: each sender is a connection that takes calls, or a stream. */
export class KServeTarget implements Target {
  readonly model: string;
  readonly call: string;
  readonly #streams: number;
  readonly #clients: readonly KServeClient[];
  readonly #requests: readonly PlainRequest[];
  /** Null: tensors go in messages. */
  #shared: SharedRequests | null = null;
  #sent = 0;

  private constructor(load: KServeLoad, clients: readonly KServeClient[], inputs: readonly (readonly Tensor[])[]) {
    this.model = load.model;
    this.call = load.streams === 0 ? 'ModelInfer' : 'ModelStreamInfer';
    this.#streams = load.streams;
    this.#clients = clients;
    this.#requests = inputs.map((tensors) => ({ model: load.model, inputs: tensors }));
  }

  /** Connects, and makes the inputs that the model's metadata ask for. Throws what the server says of the model. */
  static async open(load: KServeLoad): Promise<KServeTarget> {
    const clients = await Promise.all(
      Array.from({ length: load.connections }, () => KServeClient.connect(load.address, load.settings)),
    );
    try {
      const { inputs } = await clients[0]!.metadata(load.model);
      return new KServeTarget(load, clients, await makeInputs(inputs, load));
    } catch (error) {
      for (const client of clients) client[Symbol.dispose]();
      throw error;
    }
  }

  /** From now on tensors go through system shared memory, until what is returned is disposed of. */
  async share(): Promise<AsyncDisposable> {
    this.#shared = await SharedRequests.create(this.#clients[0]!, this.#requests);
    return this.#shared;
  }

  senders(): Sender[] {
    if (this.#streams === 0) return this.#clients.map((client) => this.#caller(client));
    return Array.from({ length: this.#streams }, (_, index) => {
      const client = this.#clients[index % this.#clients.length]!;
      return new StreamSender(
        (requests) => outcomes(client.stream(requests)),
        () => this.#next(),
      );
    });
  }

  async totals(): Promise<ServerTotals> {
    const versions = await this.#clients[0]!.statistics(this.model);
    const sum = (of: (version: (typeof versions)[number]) => bigint | undefined): number =>
      versions.reduce((total, version) => total + Number(of(version) ?? 0n), 0);
    return {
      requests: sum(({ inferenceStats }) => inferenceStats?.success?.count),
      inferences: sum(({ inferenceCount }) => inferenceCount),
      executions: sum(({ executionCount }) => executionCount),
      queue: sum(({ inferenceStats }) => inferenceStats?.queue?.ns) / 1000,
      input: sum(({ inferenceStats }) => inferenceStats?.computeInput?.ns) / 1000,
      infer: sum(({ inferenceStats }) => inferenceStats?.computeInfer?.ns) / 1000,
      output: sum(({ inferenceStats }) => inferenceStats?.computeOutput?.ns) / 1000,
      total: sum(({ inferenceStats }) => inferenceStats?.success?.ns) / 1000,
    };
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client[Symbol.dispose]();
  }

  #caller(client: KServeClient): Sender {
    return {
      send: () => client.infer(this.#next()).then(() => ANSWERED, failedCall),
      close: async () => {},
    };
  }

  #next(): InferRequest {
    const requests: readonly InferRequest[] = this.#shared?.requests ?? this.#requests;
    return requests[this.#sent++ % requests.length]!;
  }
}

async function* outcomes(answers: ReturnType<KServeClient['stream']>): AsyncGenerator<Outcome> {
  for await (const answer of answers) {
    // The protocol gives the failures of a stream no status.
    yield 'error' in answer ? { failure: { status: 'error', message: answer.error }, timings: null } : ANSWERED;
  }
}
