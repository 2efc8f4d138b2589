import type { TestRepository } from './test-repository.js';
import { gridModel, spotsModel } from './tiny-models.js';

/** Side of the pictures that the models of pipelines take as they are. */
export const SIDE = 128;

/** Cells of the embedder in each direction. */
export const CELLS = 2;

/** Where the landmarks of `spotsModel`'s faces belong in the embedder's input: each at (2k+1, 2k) tenths of it. */
const ALIGNMENT = Array.from({ length: 5 }, (_, index) => [1.6 * (2 * index + 1), 1.6 * 2 * index]);

/** `spots`, a detector of faces with landmarks, and `grid`, an embedder that aligns by them. */
export async function addStageModels(repository: TestRepository, keys: object = {}): Promise<void> {
  await addSpots(repository, keys);
  await addGrid(repository, keys);
}

export async function addSpots(repository: TestRepository, keys: object = {}, name = 'spots'): Promise<void> {
  const config = {
    task: 'centerface',
    input: { width: SIDE, height: SIDE },
    postprocess: { score_threshold: 0.5 },
    instance_group: { count: 1 },
    ...keys,
  };
  await repository.addModel(name, config, spotsModel(SIDE, SIDE));
}

export async function addGrid(repository: TestRepository, keys: object = {}, name = 'grid'): Promise<void> {
  const config = {
    task: 'embedding',
    input: { width: 16, height: 16 },
    max_batch_size: 16,
    preprocess: { resize: 'stretch', alignment: ALIGNMENT },
    postprocess: { normalize: false },
    instance_group: { count: 1 },
    ...keys,
  };
  await repository.addModel(name, config, gridModel(16, 16, CELLS));
}

/** The configuration of a pipeline. */
export function pipelineOf(stages: readonly object[], keys: object = {}): object {
  return { task: 'pipeline', pipeline: { stages, ...keys } };
}

export const FIND = { name: 'find', model: 'spots' } as const;
export const DESCRIBE = { name: 'describe', model: 'grid', input: 'find' } as const;
