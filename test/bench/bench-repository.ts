import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { TestRepository } from '../support/test-repository.js';
import { spotsModel } from '../support/tiny-models.js';
import { INSTANCES } from './settings.js';

/** The checkout, from dist/test/bench. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The model file of CenterFace as it was pulled. */
export const CENTERFACE_FILE = join(root, 'model-repo/centerface/1/model.onnx');

/** A model that costs next to nothing: what warms up the server around it. */
export const TINY_MODEL = 'tiny';

/** A repository with TINY_MODEL and with CenterFace as model-repo/ configures it, but at an input size of one's own. */
export async function centerfaceRepository(side: number): Promise<TestRepository> {
  const repository = await TestRepository.create();
  const model = join(root, 'model-repo/centerface');
  const config = parse(await readFile(join(model, 'config.yaml'), 'utf8')) as Record<string, unknown>;
  await mkdir(join(repository.directory, 'centerface/1'), { recursive: true });
  await symlink(CENTERFACE_FILE, join(repository.directory, 'centerface/1/model.onnx'));
  await symlink(join(model, 'labels.txt'), join(repository.directory, 'centerface/labels.txt'));
  await repository.configure('centerface', {
    ...config,
    input: { width: side, height: side },
    instance_group: { count: INSTANCES, intra_op_thread_count: 1 },
  });
  const tiny = { task: 'centerface', input: { width: 64, height: 64 }, instance_group: { count: 1 } };
  await repository.addModel(TINY_MODEL, tiny, spotsModel(64, 64));
  return repository;
}
