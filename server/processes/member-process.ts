import type { MetricSnapshot } from '../http/metrics.js';
import type { ServerReport } from '../http/server-status.js';
import type { PrimaryCalls, ProcessCalls } from './calls.js';
import type { ChildProcess } from './cluster.js';
import { Peer } from './peer.js';
import type { ProcessReadiness } from './shared-readiness.js';

/** A process that takes longer to answer counts as stuck: its event loop does nothing else either. */
const ANSWER_MILLISECONDS = 2000;

/** What is said of a process that has ended. */
export const ENDED = 'it has ended and is being replaced';

/** One running process of the server, as the primary sees it. */
export class MemberProcess {
  readonly child: ChildProcess;
  readonly peer: Peer<ProcessCalls>;
  /** How far it has come. */
  state: 'starting' | 'listening' | 'started' = 'starting';
  /** Whether it runs its program by now and can be asked. */
  begun = false;
  ended = false;
  /** Why it could not start, in its own words. */
  failure: string | null = null;
  /** What it counted when it was last asked. */
  lastMetrics: MetricSnapshot | null = null;

  constructor(child: ChildProcess, calls: PrimaryCalls) {
    this.child = child;
    this.peer = new Peer<ProcessCalls>((message) => child.send(message), { ...calls });
    child.onMessage((message) => this.peer.receive(message));
    child.onExit(() => {
      this.ended = true;
      this.peer.close();
    });
  }

  async readiness(): Promise<ProcessReadiness> {
    if (!this.begun) return 'it is starting';
    const answer = await this.#inTime(this.peer.call('readiness'));
    if (answer !== null) return answer;
    return this.ended ? ENDED : 'it does not answer';
  }

  /** The metrics of now, or the last ones where it does not answer: counters do not go down meanwhile. */
  async metrics(): Promise<MetricSnapshot> {
    const now = this.begun ? await this.#inTime(this.peer.call('metrics')) : null;
    this.lastMetrics = now ?? this.lastMetrics;
    return this.lastMetrics ?? [];
  }

  /** What it tells of its models and errors; null: it does not answer. */
  async report(): Promise<ServerReport | null> {
    return this.begun ? await this.#inTime(this.peer.call('report')) : null;
  }

  /** Whether it should answer and does not. */
  async stuck(): Promise<boolean> {
    return this.begun && (await this.#inTime(this.peer.call('readiness'))) === null && !this.ended;
  }

  /** The answer, or null when there is none in time. */
  async #inTime<T>(answer: Promise<T>): Promise<T | null> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), ANSWER_MILLISECONDS);
    });
    try {
      return await Promise.race([answer.catch(() => null), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
