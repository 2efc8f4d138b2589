import type { ServingError } from '../../server/core/errors.js';
import type { ModelLoader, VersionStatus } from '../../server/core/model-lifecycle.js';
import { Model } from '../../server/core/model.js';
import type { ModelContent, ModelSnapshot, VersionFile } from '../../server/core/repository-scan.js';
import { FakeClock } from './fake-clock.js';
import { FakeExecutor } from './fake-executor.js';
import { RecordingStatistics } from './recording-statistics.js';
import { makeConfig } from './requests.js';

/** A version that was asked for, until the test ends its loading. */
export class FakeLoad {
  readonly version: number;
  readonly fingerprint: string;
  readonly executor = new FakeExecutor();
  readonly statistics = new RecordingStatistics();
  readonly model: Promise<Model>;
  readonly #resolve: (model: Model) => void;
  readonly #reject: (error: Error) => void;
  readonly name: string;
  readonly #content: ModelContent;

  constructor(name: string, content: ModelContent, file: VersionFile) {
    this.version = file.version;
    this.fingerprint = file.fingerprint;
    this.name = name;
    this.#content = content;
    let resolve!: (model: Model) => void;
    let reject!: (error: Error) => void;
    this.model = new Promise((...ends) => ([resolve, reject] = ends));
    this.#resolve = resolve;
    this.#reject = reject;
  }

  finish(): void {
    const { version, executor, statistics } = this;
    const { config, labels } = this.#content;
    this.#resolve(
      new Model({ name: this.name, version, config, labels, executor, statistics, clock: new FakeClock() }),
    );
  }

  fail(error: Error): void {
    this.#reject(error);
  }
}

/** A loader whose versions load when the test says so, or at once, and a listener that writes everything down. */
export class FakeLoader {
  /** Every load, in order. */
  readonly loads: FakeLoad[] = [];
  /** `version STATE`, `version STATE: reason` or `gone`, as the listener was told. */
  readonly told: string[] = [];
  /** Decides a load at once; null leaves it to the test. */
  decide: (load: FakeLoad) => 'finish' | ServingError | null;

  constructor(decide: (load: FakeLoad) => 'finish' | ServingError | null = () => 'finish') {
    this.decide = decide;
  }

  readonly load: ModelLoader = (name, content, file) => {
    const load = new FakeLoad(name, content, file);
    this.loads.push(load);
    const decision = this.decide(load);
    if (decision === 'finish') load.finish();
    else if (decision !== null) load.fail(decision);
    return load.model;
  };

  readonly listener = (_name: string, status: VersionStatus | null): void => {
    this.told.push(status === null ? 'gone' : describeStatus(status));
  };

  /** The versions that were asked for, in order. */
  get versions(): number[] {
    return this.loads.map(({ version }) => version);
  }
}

export function describeStatus({ version, state, reason }: VersionStatus): string {
  return reason === null ? `${version} ${state}` : `${version} ${state}: ${reason}`;
}

/** A model directory: its versions with their fingerprints, or what is wrong with it. */
export function makeSnapshot(
  content: Readonly<Record<number, string>> | ServingError,
  keys: Readonly<Record<string, unknown>> = {},
): ModelSnapshot {
  if (content instanceof Error) return { name: 'cats', content };
  const versions = Object.entries(content).map(([version, fingerprint]) => ({
    version: Number(version),
    path: `cats/${version}/model.onnx`,
    fingerprint,
  }));
  const about = { config: makeConfig(keys), labels: ['cat'], outputLabels: new Map(), warnings: [] };
  return { name: 'cats', content: { ...about, versions } };
}
