import { ServingError } from '../../server/core/errors.js';
import type { DetectionLayout, InferenceResult, ResultTable } from '../../server/core/inference.js';
import { Model, type ModelLease } from '../../server/core/model.js';
import type { LoadableModels } from '../../server/core/pipeline/open-pipeline.js';
import type { HeldPicture } from '../../server/core/picture.js';
import { FakeClock } from './fake-clock.js';
import { FakeExecutor } from './fake-executor.js';
import { RecordingStatistics } from './recording-statistics.js';
import { makeConfig } from './requests.js';

export const FACES: DetectionLayout = { rotated: false, points: 5, pointValues: 2, values: 0 };
export const POSES: DetectionLayout = { rotated: false, points: 16, pointValues: 3, values: 0 };

/** Models by name, each on an executor that a test ends by hand. */
export class FakeStages implements LoadableModels {
  readonly clock = new FakeClock();
  readonly executors = new Map<string, FakeExecutor>();
  readonly #models = new Map<string, Model>();

  /** `keys` are those of its config.yaml. */
  add(name: string, keys: object, layout: DetectionLayout | null = null, instances = 8): FakeExecutor {
    const executor = new FakeExecutor(instances);
    executor.layout = layout;
    const config = makeConfig({ ...keys });
    const { clock } = this;
    const statistics = new RecordingStatistics();
    this.#models.set(name, new Model({ name, version: 3, config, labels: [], executor, statistics, clock }));
    this.executors.set(name, executor);
    return executor;
  }

  remove(name: string): void {
    this.#models.delete(name);
  }

  acquire(name: string): ModelLease {
    const model = this.#models.get(name);
    if (model === undefined) throw new ServingError('MODEL_NOT_FOUND', `no model ${name}`);
    return model.lease();
  }

  async whenReady(name: string): Promise<void> {
    this.acquire(name)[Symbol.dispose]();
  }
}

/** A picture that tells how often it was released. */
export class FakePicture implements HeldPicture {
  readonly picture = { kind: 'kept', width: 100, height: 80, host: null, device: { index: 0, id: 1 } } as const;
  released = 0;

  release(): void {
    this.released += 1;
  }
}

/** Detections of faces, each as left top right bottom score class and then its points. */
export function detected(
  rows: readonly (readonly number[])[],
  layout: DetectionLayout,
  picture?: HeldPicture,
): InferenceResult {
  const columns = 6 + layout.points * layout.pointValues;
  const values = new Float32Array(rows.length * columns);
  rows.forEach((row, index) => values.set(row, index * columns));
  const outcome: ResultTable = { rows: rows.length, columns, values, rowErrors: null, layout, attachments: [] };
  return { width: 100, height: 80, outcome, ...(picture === undefined ? {} : { picture }) };
}

/** One vector a row; an error in its place fails the row alone. */
export function vectors(rows: readonly (readonly number[] | ServingError)[]): InferenceResult {
  const columns = Math.max(...rows.map((row) => (row instanceof ServingError ? 0 : row.length)));
  const values = new Float32Array(rows.length * columns);
  rows.forEach((row, index) => values.set(row instanceof ServingError ? [] : row, index * columns));
  const rowErrors = rows.map((row) => (row instanceof ServingError ? row : null));
  return {
    width: 100,
    height: 80,
    outcome: { rows: rows.length, columns, values, rowErrors, attachments: [] },
  };
}
