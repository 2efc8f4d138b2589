import {
  TraceRules,
  type ServedTraces,
  type TraceChange,
  type TraceChoices,
  type TraceControl,
  type TraceSettings,
} from '../core/trace-settings.js';
import type { PrimaryCalls, ProcessCalls } from './calls.js';
import { everywhere } from './everywhere.js';
import type { Peer } from './peer.js';

/** The settings of traces of every process of a server. It keeps them, for processes that take another's place, and counts. */
export class SharedTraces implements TraceControl {
  readonly #rules: TraceRules;
  readonly #peers: () => readonly Peer<ProcessCalls>[];

  /** `peers` are the processes that have begun. */
  constructor(options: TraceSettings, peers: () => readonly Peer<ProcessCalls>[]) {
    this.#rules = new TraceRules(options);
    this.#peers = peers;
  }

  /** What a process starts with. */
  get choices(): TraceChoices {
    return this.#rules.choices;
  }

  async settings(model: string | null): Promise<TraceSettings> {
    return this.#rules.settings(model);
  }

  /** Resolves when every process goes by it. */
  async update(model: string | null, change: TraceChange): Promise<void> {
    this.#rules.update(model, change);
    await this.#tell();
  }

  /** Whether a process may trace a request of which the number is limited. */
  spend(model: string | null): boolean {
    const granted = this.#rules.spend(model);
    // From here on the processes need not ask.
    if (granted && this.#rules.settings(model).count === 0) void this.#tell();
    return granted;
  }

  async #tell(): Promise<void> {
    const { choices } = this.#rules;
    await everywhere(this.#peers(), (peer) => peer.call('setTraces', choices));
  }
}

/** What a process has of them: settings of its own, and where the number of requests is limited, a question for each. */
export class ProcessTraces implements ServedTraces {
  readonly policy: ServedTraces['policy'];
  readonly control: TraceControl;
  readonly #rules: TraceRules;

  constructor(options: TraceSettings, primary: Peer<PrimaryCalls>) {
    const rules = new TraceRules(options);
    this.#rules = rules;
    this.policy = {
      settings: (model) => rules.settings(model),
      spend: (model, traced) => {
        if (rules.settings(model).count === -1) traced();
        else
          primary.call('spendTrace', model).then(
            (granted) => granted && traced(),
            () => {},
          );
      },
    };
    this.control = {
      settings: (model) => primary.call('traceSettings', model),
      update: (model, change) => primary.call('updateTraces', { model, change }),
    };
  }

  /** Only to be set to what the primary says. */
  set choices(choices: TraceChoices) {
    this.#rules.choices = choices;
  }
}
