/** How much is traced, of a server or of one of its models. */
export interface TraceSettings {
  /** False: nothing, whatever clients ask for. */
  readonly enabled: boolean;
  /** Share of the requests, 0 to 1, where the client sends no trace context; else the client's choice counts. */
  readonly ratio: number;
  /** Requests that are traced yet; -1: no limit. */
  readonly count: number;
}

/** Left out: it stays as it is. Null: it is given up, and what stands behind it counts. */
export type TraceChange = { readonly [N in keyof TraceSettings]?: TraceSettings[N] | null };

/** Settings that somebody has made at run time; survives JSON. */
export interface TraceChoices {
  readonly server: Partial<TraceSettings>;
  /** By name. What a model does not have here is as for the server. */
  readonly models: Readonly<Record<string, Partial<TraceSettings>>>;
}

/** Decides which requests are traced. `model` null: what belongs to none. */
export interface TracePolicy {
  settings(model: string | null): TraceSettings;
  /** Has `traced` called, at once or soon, unless as many requests were traced as `count` had. */
  spend(model: string | null, traced: () => void): void;
}

/** Reads and changes how much is traced, in all processes of the server. `model` null: of the server. */
export interface TraceControl {
  settings(model: string | null): Promise<TraceSettings>;
  /** Holds from the next answer on, for streams that are open as well. */
  update(model: string | null, change: TraceChange): Promise<void>;
}

/** What a process needs of the settings of traces. */
export interface ServedTraces {
  readonly policy: TracePolicy;
  readonly control: TraceControl;
}

/** The settings of a server and of its models: those of a model go before those of the server, and these before the options'. */
export class TraceRules {
  readonly #options: TraceSettings;
  #server: Partial<TraceSettings> = {};
  readonly #models = new Map<string, Partial<TraceSettings>>();
  /** What it all comes to, of what was asked for since the last change: of the server, and of models with settings of their own. */
  readonly #settings = new Map<string | null, TraceSettings>();

  constructor(options: TraceSettings) {
    this.#options = options;
  }

  get choices(): TraceChoices {
    return { server: this.#server, models: Object.fromEntries(this.#models) };
  }

  set choices({ server, models }: TraceChoices) {
    this.#server = server;
    this.#models.clear();
    this.#settings.clear();
    for (const [name, choices] of Object.entries(models)) this.#models.set(name, choices);
  }

  settings(model: string | null): TraceSettings {
    const whose = model !== null && this.#models.has(model) ? model : null;
    let settings = this.#settings.get(whose);
    if (settings === undefined) {
      settings = { ...this.#options, ...this.#server, ...(whose === null ? {} : this.#models.get(whose)) };
      this.#settings.set(whose, settings);
    }
    return settings;
  }

  update(model: string | null, change: TraceChange): void {
    this.#settings.clear();
    const before = model === null ? this.#server : (this.#models.get(model) ?? {});
    const kept = Object.entries({ ...before, ...change }).filter(([, value]) => value !== null);
    const choices = Object.fromEntries(kept) as Partial<TraceSettings>;
    if (model === null) this.#server = choices;
    else if (kept.length === 0) this.#models.delete(model);
    else this.#models.set(model, choices);
  }

  /** Takes one off `count`, of the model where it has one of its own; false: there is none left. */
  spend(model: string | null): boolean {
    const { count } = this.settings(model);
    if (count <= 0) return count !== 0;
    const own = model !== null && this.#models.get(model)?.count !== undefined;
    this.update(own ? model : null, { count: count - 1 });
    return true;
  }
}
