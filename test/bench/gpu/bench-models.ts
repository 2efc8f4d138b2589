import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { addCatalogModel } from '../../gpu/gpu-serving.js';
import { sluice } from '../../support/sluice-command.js';
import { TestRepository } from '../../support/test-repository.js';
import { root } from '../bench-repository.js';
import { BATCH, SIDE } from './settings.js';

export const MODEL = 'centerface';

/** A way to build CenterFace, and to run it. */
export interface Variant {
  readonly precision: 'fp16' | 'fp32' | 'int8';
  readonly batch: number;
  readonly instances: number;
  /** Directory of pictures, for int8. */
  readonly calibration?: string;
}

export const STANDARD: Variant = { precision: 'fp16', batch: BATCH, instances: 4 };

/** Where the plans of a precision and a batch are kept from run to run; the instances make no difference. */
export function engineCacheOf({ precision, batch }: Variant): string {
  return join(root, 'build', 'bench-engines', `${precision}-${batch}`);
}

/** A repository with CenterFace alone. */
export async function repositoryOf({ precision, batch, instances, calibration }: Variant): Promise<TestRepository> {
  const repository = await TestRepository.create();
  await addCatalogModel(repository, 'centerface', MODEL, {
    input: { width: SIDE, height: SIDE },
    max_batch_size: batch,
    instance_group: { kind: 'KIND_GPU', count: instances },
    // Level 1 builds in a third of the time of level 3, and runs at 94 % of its speed.
    tensorrt: {
      precision,
      optimization_level: 1,
      ...(calibration === undefined ? {} : { calibration: { directory: calibration } }),
    },
  });
  return repository;
}

/** Builds the plan where it is not in the cache, and resolves with its file. */
export async function planOf(variant: Variant): Promise<string> {
  await using repository = await repositoryOf(variant);
  const cache = engineCacheOf(variant);
  const flags = ['--model-repository', repository.directory, '--engine-cache', cache];
  const { code, stdout, stderr } = await sluice(['build', ...flags]);
  if (code !== 0) throw new Error(`sluice build ended with ${code}:\n${stdout}${stderr}`);
  // Plans of before may lie beside it: the one just found or made is the one that was touched last.
  const sidecars = (await readdir(cache)).filter((name) => name.endsWith('.json')).map((name) => join(cache, name));
  const touched = await Promise.all(sidecars.map(async (file) => ({ file, at: (await stat(file)).mtimeMs })));
  const newest = touched.sort((a, b) => b.at - a.at)[0];
  if (newest === undefined) throw new Error(`sluice build left no plan in ${cache}`);
  return newest.file.replace(/json$/, 'plan');
}
