import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rewriteForServing } from '../../../server/onnx/rewrite.js';
import { TestRepository } from '../../support/test-repository.js';
import { CENTERFACE_FILE, root } from '../bench-repository.js';
import { INSTANCES } from '../settings.js';
import { MOST_ROWS, type TensorModel } from '../tensor-models.js';
import { configText, ensembleText, type Port, type TritonModel } from './pbtxt.js';

/** Rows of a batch of CenterFace, as model-repo/ configures it. */
const CENTERFACE_ROWS = 4;

/** CenterFace's input. */
const INPUT = 'input.1';

/** Its output maps, and their planes. */
const MAPS = { '537': 1, '538': 2, '539': 2, '540': 10 } as const;

const PICTURE: Port = ['picture', 'TYPE_STRING', [1]];
const FACES: Port = ['faces', 'TYPE_FP32', [-1, 15]];
const PLACEMENT: Port = ['placement', 'TYPE_FP32', [3]];

/** Names of CenterFace's two forms for an input of `side` pixels: one model in Python, and an ensemble of three models. */
export function tritonFaces(side: number): { readonly whole: string; readonly ensemble: string } {
  return { whole: `centerface-${side}`, ensemble: `centerface-${side}-ensemble` };
}

/** The tensor models, and CenterFace at some sizes, as Triton serves them: as many instances as Sluice has. */
export async function tritonRepository(
  models: readonly TensorModel[],
  sides: readonly number[],
): Promise<TestRepository> {
  const repository = await TestRepository.create();
  for (const { name, bytes, input, output } of models) {
    await repository.addVersion(name, 1, bytes);
    await configure(repository, name, {
      backend: 'onnx',
      rows: MOST_ROWS,
      instances: INSTANCES,
      inputs: [['input', 'TYPE_FP32', input]],
      outputs: [['output', 'TYPE_FP32', output]],
    });
  }
  for (const side of sides) await addCenterface(repository, side);
  return repository;
}

async function addCenterface(repository: TestRepository, side: number): Promise<void> {
  const { whole, ensemble } = tritonFaces(side);
  const [before, network, after] = ['before', 'network', 'after'].map((step) => `${whole}-${step}`) as [
    string,
    string,
    string,
  ];
  const { bytes } = rewriteForServing(await readFile(CENTERFACE_FILE), { width: side, height: side });
  const pixels: Port = ['pixels', 'TYPE_FP32', [3, side, side]];
  const maps = Object.entries(MAPS).map(([name, planes]): Port => [name, 'TYPE_FP32', [planes, side / 4, side / 4]]);
  const same = (ports: readonly Port[]) => Object.fromEntries(ports.map(([name]) => [name, name]));
  const python = async (
    name: string,
    role: string,
    inputs: readonly Port[],
    outputs: readonly Port[],
  ): Promise<void> => {
    const parameters = { role, side: String(side) };
    const common = { backend: 'python', rows: CENTERFACE_ROWS, instances: INSTANCES } as const;
    await configure(repository, name, { ...common, inputs, outputs, parameters });
    await repository.write(join(name, '1/.made'), '');
    await copyFile(join(root, 'test/bench/peers/centerface/model.py'), join(repository.directory, name, '1/model.py'));
  };
  await python(whole, 'whole', [PICTURE], [FACES]);
  await repository.addVersion(whole, 1, bytes);
  await python(before, 'before', [PICTURE], [pixels, PLACEMENT]);
  await python(after, 'after', [...maps, PLACEMENT], [FACES]);
  await repository.addVersion(network, 1, bytes);
  await configure(repository, network, {
    backend: 'onnx',
    rows: CENTERFACE_ROWS,
    instances: INSTANCES,
    inputs: [[INPUT, 'TYPE_FP32', [3, side, side]]],
    outputs: maps,
  });
  const steps = [
    { model: before, inputs: same([PICTURE]), outputs: same([pixels, PLACEMENT]) },
    { model: network, inputs: { [INPUT]: 'pixels' }, outputs: same(maps) },
    { model: after, inputs: same([...maps, PLACEMENT]), outputs: same([FACES]) },
  ];
  await repository.write(join(ensemble, '1/.made'), '');
  const ports = { inputs: [PICTURE], outputs: [FACES] };
  const more = [ensembleText(steps)];
  await configure(repository, ensemble, { backend: 'ensemble', rows: CENTERFACE_ROWS, instances: 0, ...ports, more });
}

async function configure(repository: TestRepository, name: string, model: TritonModel): Promise<void> {
  await repository.write(join(name, 'config.pbtxt'), configText(model));
}
