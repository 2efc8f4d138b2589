import type { Logger } from 'pino';
import { EXIT_CODES } from '../config/exit-codes.js';
import type { ServerOptions } from '../config/server-options.js';
import type { ProcessesReading } from '../http/merged-metrics.js';
import type { MetricSnapshot } from '../http/metrics.js';
import type { Readiness } from '../http/readiness.js';
import type { ServerReport } from '../http/server-status.js';
import { backOff } from './back-off.js';
import type { PrimaryCalls, ProcessCalls } from './calls.js';
import type { ChildProcess } from './cluster.js';
import { ENDED, MemberProcess } from './member-process.js';
import type { Peer } from './peer.js';
import { sharedReadiness } from './shared-readiness.js';
import { sharedReport } from './shared-report.js';
import { SharedState } from './shared-state.js';

/** With so many ends in a row before one process was ready, and none that serves, there is no use in going on. */
const MOST_ENDS = 5;

/** A process that has served for this long has not ended because of how it started. */
const SETTLED_MILLISECONDS = 60_000;

/** How much longer than `--drain-delay` and `--exit-timeout` a process may take to end before it is killed: it has models to free. */
const GRACE_MILLISECONDS = 5000;

/** A place among the processes; who holds it changes. */
interface Place {
  readonly number: number;
  member: MemberProcess | null;
  /** Ends since the last one that had settled. */
  ends: number;
  startedAt: number;
  retry: NodeJS.Timeout | undefined;
}

/** What the group tells of itself. */
export interface GroupListener {
  /** A process ended although it was not told to, with what it had counted. */
  readonly ended: (last: MetricSnapshot | null) => void;
}

type Options = Pick<
  ServerOptions,
  'processes' | 'grpcAddress' | 'loadModel' | 'logLevel' | 'traceSampleRatio' | 'drainDelay' | 'exitTimeout'
>;

/**
 * The processes of a server, which share its gRPC port. One that ends is replaced, sooner or later as it ends seldom or
 * often; one that has lost its GPU takes all of them with it.
 */
export class ProcessGroup implements AsyncDisposable {
  /** Resolves with `host:port` once connections are taken. */
  readonly listening: Promise<string>;
  /** Resolves once every process has started. */
  readonly started: Promise<void>;
  /** Resolves when a process has lost its GPU. */
  readonly deviceLost: Promise<void>;
  /** Rejects when the processes cannot start; never resolves. */
  readonly failed: Promise<never>;
  readonly #options: Options;
  readonly #logger: Logger;
  readonly #start: () => ChildProcess;
  readonly #listener: GroupListener;
  readonly #state: SharedState;
  readonly #places: readonly Place[];
  /** `host:port` that the processes share; null: none has bound it yet. */
  #address: string | null = null;
  /** The port that processes ask for. */
  #port: number;
  #allStarted = false;
  #stopping = false;
  /** Ends in a row before the process was ready. */
  #endsInARow = 0;
  #tellListening!: (address: string) => void;
  #tellStarted!: () => void;
  #tellLoss!: () => void;
  #fail!: (error: Error) => void;

  /** Starts the first process at once, and the others when the port is open: a port that is taken is told once. */
  constructor(options: Options, logger: Logger, start: () => ChildProcess, listener: GroupListener) {
    this.#options = options;
    this.#port = options.grpcAddress.port;
    this.#logger = logger;
    this.#start = start;
    this.#listener = listener;
    this.listening = new Promise((resolve) => (this.#tellListening = resolve));
    this.started = new Promise((resolve) => (this.#tellStarted = resolve));
    this.deviceLost = new Promise((resolve) => (this.#tellLoss = resolve));
    this.failed = new Promise((_resolve, reject) => (this.#fail = reject));
    // It may come before anybody waits for it.
    this.failed.catch(() => {});
    this.#state = new SharedState(options, () =>
      this.#members.filter((member) => member.begun).map(({ peer }) => peer),
    );
    this.#places = Array.from({ length: options.processes }, (_, place) => ({
      number: place + 1,
      member: null,
      ends: 0,
      startedAt: 0,
      retry: undefined,
    }));
    this.#occupy(this.#places[0]!);
  }

  async readiness(): Promise<Readiness> {
    const processes = this.#places.map(async ({ member }) => (await member?.readiness()) ?? ENDED);
    const readiness = sharedReadiness(await Promise.all(processes), this.#stopping);
    // The places that wait for the first process are not being replaced.
    const starting = !this.#allStarted && !this.#stopping;
    return starting ? { ...readiness, ready: false, reason: 'the server is starting' } : readiness;
  }

  async metrics(): Promise<ProcessesReading> {
    const members = this.#members;
    const [snapshots, states] = await Promise.all([
      Promise.all(members.map((member) => member.metrics())),
      Promise.all(members.map((member) => member.readiness())),
    ]);
    const ready = states.filter((state) => typeof state !== 'string' && state.ready).length;
    return { snapshots, total: this.#places.length, ready };
  }

  /** What the processes that answer tell, and how many they are. */
  async report(): Promise<ServerReport & { readonly processes: number }> {
    const reports = await Promise.all(this.#members.map((member) => member.report()));
    const told = reports.filter((report) => report !== null);
    return { ...sharedReport(told), processes: told.length };
  }

  /** Those that take frames. */
  get serving(): Peer<ProcessCalls>[] {
    return this.#members.filter(({ state, ended }) => state === 'started' && !ended).map(({ peer }) => peer);
  }

  /** Why a restart of the server is due, or null. */
  async stuck(): Promise<string | null> {
    const stuck = await Promise.all(this.#places.map(async ({ member }) => (await member?.stuck()) === true));
    const numbers = this.#places.filter((_, place) => stuck[place]).map(({ number }) => number);
    return numbers.length === 0 ? null : `does not answer: process ${numbers.join(', ')}`;
  }

  /** Lets every process end as it does alone; true when all of them answered every frame that they had taken. */
  async drain(): Promise<boolean> {
    this.#stopping = true;
    for (const { retry } of this.#places) clearTimeout(retry);
    const ends = await Promise.all(this.#members.map((member) => this.#drainOne(member)));
    return ends.every((how) => how === EXIT_CODES.OK.code);
  }

  /** Ends at once what still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    for (const { retry } of this.#places) clearTimeout(retry);
    await Promise.all(
      this.#members.map(({ child }) => {
        child.kill('SIGKILL');
        return new Promise((resolve) => child.onExit(resolve));
      }),
    );
    await this.#state[Symbol.asyncDispose]();
  }

  get #members(): MemberProcess[] {
    return this.#places.flatMap(({ member }) => (member === null ? [] : [member]));
  }

  async #drainOne({ child, peer, begun }: MemberProcess): Promise<number | NodeJS.Signals> {
    const ended = new Promise<number | NodeJS.Signals>((resolve) => child.onExit(resolve));
    // One that does not run its program yet has nothing to drain.
    if (!begun) child.kill('SIGKILL');
    else void peer.call('drain').catch(() => {});
    const { drainDelay, exitTimeout } = this.#options;
    const milliseconds = (drainDelay + exitTimeout) * 1000 + GRACE_MILLISECONDS;
    const deadline = setTimeout(() => child.kill('SIGKILL'), milliseconds);
    const how = await ended;
    clearTimeout(deadline);
    return begun ? how : EXIT_CODES.OK.code;
  }

  #occupy(place: Place): void {
    const member: MemberProcess = new MemberProcess(
      this.#start(),
      this.#calls(place.number, () => member),
    );
    place.member = member;
    place.retry = undefined;
    place.startedAt = performance.now();
    member.child.onExit((how) => this.#ended(place, member, how));
  }

  #calls(number: number, member: () => MemberProcess): PrimaryCalls {
    return {
      begin: () => {
        member().begun = true;
        return { number, port: this.#portToAskFor(), ...this.#state.beginning };
      },
      listening: (address) => this.#opened(member(), address),
      started: (models) => this.#memberStarted(member(), models),
      failed: (message) => {
        member().failure = message;
      },
      ...this.#state.calls,
    };
  }

  /**
   * Processes share a port when they ask for the same one. To ask for port 0 means the port that was bound, as long as a
   * process listens there; after that it would be another.
   */
  #portToAskFor(): number {
    const shared = this.#members.some(({ state }) => state !== 'starting');
    if (this.#address !== null && !shared) this.#port = portOf(this.#address);
    return this.#port;
  }

  #opened(member: MemberProcess, address: string): void {
    member.state = 'listening';
    if (this.#address === null) {
      this.#address = address;
      this.#tellListening(address);
      // A drain has counted the processes already, and would not wait for one more.
      if (this.#stopping) return;
      for (const place of this.#places) if (place.member === null && place.retry === undefined) this.#occupy(place);
    } else if (address !== this.#address) {
      // The last one that listened ended between the question for the port and its opening.
      this.#logger.warn({ address, expected: this.#address }, 'a server process listens elsewhere and is replaced');
      member.child.kill('SIGKILL');
    }
  }

  #memberStarted(member: MemberProcess, models: readonly string[]): void {
    member.state = 'started';
    this.#endsInARow = 0;
    this.#state.started(models);
    if (this.#allStarted || this.#places.some((place) => place.member?.state !== 'started')) return;
    this.#allStarted = true;
    this.#tellStarted();
  }

  #ended(place: Place, member: MemberProcess, how: number | NodeJS.Signals): void {
    place.member = null;
    if (this.#stopping) return;
    const { failure, child } = member;
    const level = how === EXIT_CODES.OK.code ? 'info' : 'error';
    this.#logger[level](
      { process: place.number, endedPid: child.pid, how, reason: failure ?? undefined },
      'a server process has ended',
    );
    this.#listener.ended(member.lastMetrics);
    if (how === EXIT_CODES.DEVICE_LOST.code) {
      this.#tellLoss();
      return;
    }
    // What a process says at the start of the server would be said by the next one, too.
    if (failure !== null && !this.#allStarted) this.#fail(new Error(failure));
    else if (this.#givesUp(member, how)) return;
    else this.#replace(place);
  }

  #givesUp({ state, failure }: MemberProcess, how: number | NodeJS.Signals): boolean {
    if (state === 'started') return false;
    this.#endsInARow += 1;
    if (this.#endsInARow < MOST_ENDS || this.#members.some((other) => other.state === 'started')) return false;
    const last = failure ?? (typeof how === 'number' ? `exit code ${how}` : how);
    this.#fail(
      new Error(
        `${MOST_ENDS} server processes in a row ended before they were ready, the last one by: ${last}; ` +
          '--processes 1 shows how one of them ends by itself',
      ),
    );
    return true;
  }

  #replace(place: Place): void {
    if (performance.now() - place.startedAt >= SETTLED_MILLISECONDS) place.ends = 0;
    const milliseconds = backOff(place.ends);
    place.ends += 1;
    this.#logger.info({ process: place.number, milliseconds }, 'a server process is replaced');
    place.retry = setTimeout(() => this.#occupy(place), milliseconds);
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
