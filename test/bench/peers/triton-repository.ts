import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { rewriteForServing } from '../../../server/onnx/rewrite.js';
import { TestRepository } from '../../support/test-repository.js';
import { CENTERFACE_FILE, root } from '../bench-repository.js';
import { INSTANCES } from '../settings.js';
import { MOST_ROWS, type TensorModel } from '../tensor-models.js';

/** As model-repo/ configures CenterFace. */
export const CENTERFACE_SIDE = 640;
const CENTERFACE_ROWS = 4;

/** The tensor models and CenterFace as Triton serves them: as many instances as Sluice has, its default batching. */
export async function tritonRepository(models: readonly TensorModel[]): Promise<TestRepository> {
  const repository = await TestRepository.create();
  for (const { name, bytes, input, output } of models) {
    await repository.addVersion(name, 1, bytes);
    await repository.write(
      join(name, 'config.pbtxt'),
      configText('onnx', MOST_ROWS, ['input', 'TYPE_FP32', input], ['output', 'TYPE_FP32', output]),
    );
  }
  const side = { width: CENTERFACE_SIDE, height: CENTERFACE_SIDE };
  await repository.addVersion('centerface', 1, rewriteForServing(await readFile(CENTERFACE_FILE), side).bytes);
  const script = join(root, 'test/bench/peers/centerface/model.py');
  await mkdir(join(repository.directory, 'centerface/1'), { recursive: true });
  await copyFile(script, join(repository.directory, 'centerface/1/model.py'));
  await repository.write(
    'centerface/config.pbtxt',
    configText('python', CENTERFACE_ROWS, ['picture', 'TYPE_STRING', [1]], ['faces', 'TYPE_FP32', [-1, 15]]),
  );
  return repository;
}

type Port = readonly [name: string, type: string, sides: readonly number[]];

function configText(backend: string, rows: number, input: Port, output: Port): string {
  const port = ([name, type, sides]: Port): string =>
    `[{ name: "${name}", data_type: ${type}, dims: [${sides.join(', ')}] }]`;
  return [
    `backend: "${backend}"`,
    `max_batch_size: ${rows}`,
    `input ${port(input)}`,
    `output ${port(output)}`,
    `instance_group [{ count: ${INSTANCES}, kind: KIND_CPU }]`,
    'dynamic_batching {}',
    '',
  ].join('\n');
}
