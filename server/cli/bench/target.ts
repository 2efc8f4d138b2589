import type { DetectResponse } from '../../../clients/typescript/sluice-client.js';

/** What the server tells of the time that one frame took. */
export type Timings = NonNullable<NonNullable<DetectResponse['frame']>['timings']>;

/** Why a request failed: the name of a gRPC status or of an error of the protocol, and its message. */
export interface Failure {
  readonly status: string;
  readonly message: string;
}

/** What came of one request. */
export interface Outcome {
  /** null: it was answered. */
  readonly failure: Failure | null;
  /** null where the protocol has none. */
  readonly timings: Timings | null;
}

/** A way to the server: a connection, or a stream on one. */
export interface Sender {
  /** Sends the next request. Never rejects: a failure is an outcome. */
  send(): Promise<Outcome>;
  /** Ends what it has open, once everything is answered. */
  close(): Promise<void>;
}

/** Counters of a model, as KServe's ModelStatistics has them, summed over its versions. Times in microseconds. */
export interface ServerTotals {
  readonly requests: number;
  readonly inferences: number;
  readonly executions: number;
  readonly queue: number;
  readonly input: number;
  readonly infer: number;
  readonly output: number;
  readonly total: number;
}

/** A model of a server under load, by one of the protocols. */
export interface Target extends Disposable {
  readonly model: string;
  /** What is called: `detect`, `ModelInfer` ... */
  readonly call: string;
  /** New ways to the server that will have up to `inFlight` requests each. */
  senders(inFlight: number): Sender[];
  /** What the server has counted so far; null where answers carry their own timings. */
  totals(): Promise<ServerTotals | null>;
}
