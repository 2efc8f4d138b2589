import { CONV_SIDES, convDetector, convEmbedder, identityModel } from '../support/conv-models.js';
import { TestRepository } from '../support/test-repository.js';
import { INSTANCES } from './settings.js';

/** A model that is served as tensors: one float32 input `input`, one float32 output `output`, batches along the first side. */
export interface TensorModel {
  readonly name: 'detector' | 'embedder' | 'identity';
  readonly bytes: Uint8Array;
  /** Sides of one row. */
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Most rows of a batch, as Triton's examples have it and enough for every load that is measured. */
export const MOST_ROWS = 32;

/** What inference costs most at, a little, and nothing at all. */
export function tensorModels(): TensorModel[] {
  const { detector, embedder } = CONV_SIDES;
  return [
    { name: 'detector', bytes: convDetector(), input: [3, detector, detector], output: [64, 20, 20] },
    { name: 'embedder', bytes: convEmbedder(), input: [3, embedder, embedder], output: [128] },
    { name: 'identity', bytes: identityModel(16), input: [16], output: [16] },
  ];
}

/** The models as Sluice serves them: instances of one thread, batches cut when one is idle. */
export async function tensorRepository(models: readonly TensorModel[]): Promise<TestRepository> {
  const repository = await TestRepository.create();
  const instance_group = { count: INSTANCES, intra_op_thread_count: 1 };
  for (const { name, bytes } of models) {
    await repository.addModel(name, { task: 'tensors', max_batch_size: MOST_ROWS, instance_group }, bytes);
  }
  return repository;
}
