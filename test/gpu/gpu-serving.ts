import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import { parse } from 'yaml';
import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';
import { settled } from '../support/eventually.js';
import { fourFaces } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import type { TestRepository } from '../support/test-repository.js';

/** Plans of the tests: kept from run to run, since most of the time goes into building them. */
export const ENGINE_CACHE = join('build', 'test-engines');

/** Where the build leaves plugin libraries. */
export const PLUGINS = join(process.cwd(), 'build', 'native', 'Release');

/** One instance on a GPU. */
export const ON_GPU = { instance_group: { kind: 'KIND_GPU', count: 1 } } as const;
export const ON_CPU = { instance_group: { kind: 'KIND_CPU', count: 1 } } as const;

/** Builds that end soon: how fast the plans are is not what the tests are about. */
const SOON = { optimization_level: 0 } as const;

export const FP16 = { ...SOON, precision: 'fp16' } as const;

/** As exact as a GPU computes: what is left between it and the CPU is the order of additions. */
export const FP32 = { ...SOON, precision: 'fp32', tf32: false } as const;

/** Starts a server on the models that `fill` puts into the repository. Throws when one of them is not READY. */
export async function startGpuServing(
  fill: (repository: TestRepository) => Promise<void>,
  flags: readonly string[] = [],
): Promise<Serving> {
  const serving = await Serving.start(fill, ['--engine-cache', ENGINE_CACHE, ...flags]);
  const started = serving.server.log.find(({ msg }) => msg === 'started');
  if (started?.['ready'] === true) return serving;
  const log = serving.server.log.map((line) => JSON.stringify(line)).join('\n');
  await serving[Symbol.asyncDispose]();
  throw new Error(`not every model is ready:\n${log}`);
}

/** Puts a model of model-repo/ into the repository as `name`; `changes` replace whole sections of its configuration. */
export async function addCatalogModel(
  repository: TestRepository,
  model: 'centerface' | 'reid',
  name: string,
  changes: object,
): Promise<void> {
  const directory = join('model-repo', model);
  const { labels: _, ...config } = parse(await readFile(join(directory, 'config.yaml'), 'utf8')) as {
    labels?: string;
  };
  await repository.addModel(name, { ...config, ...changes }, await readFile(join(directory, '1', 'model.onnx')));
}

/** The astronaut's photograph, 512x512, as a PNG. */
export function astronaut(): Promise<Buffer> {
  return readFile(join('model-repo', '.samples', 'astronaut.png'));
}

/** The photograph in several sizes, cuts and frames, several times in one, and pictures without a face. */
export async function facePictures(): Promise<Buffer[]> {
  const photograph = await astronaut();
  const padded = (sides: object) => sharp(photograph).extend({ background: '#304050', ...sides });
  const pictures = [
    sharp(photograph),
    sharp(photograph).resize(640),
    sharp(photograph).resize(397),
    sharp(photograph).resize(1000),
    padded({ left: 300 }),
    padded({ bottom: 400, left: 37 }),
    sharp(photograph).extract({ left: 100, top: 0, width: 300, height: 431 }),
    sharp(photograph).extract({ left: 0, top: 250, width: 200, height: 200 }),
    sharp(await fourFaces(photograph)),
    sharp({ create: { width: 320, height: 240, channels: 3, background: '#808080' } }),
  ];
  return Promise.all(pictures.map((picture) => picture.png().toBuffer()));
}

/** The pixels of a file, RGB. */
export async function pixelsOf(file: Uint8Array): Promise<RawPixels> {
  const { data, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { format: PixelFormat.PIXEL_FORMAT_RGB8, width: info.width, height: info.height, data };
}

/** The driver is asked no more often than once a second: what a scrape says may be that old. */
const READING_MILLISECONDS = 1200;

/** Bytes of memory in use on the first GPU, by whatever process, once nothing changes it any more. */
export async function deviceMemory({ metrics }: Serving): Promise<number> {
  await pause(READING_MILLISECONDS);
  const used = await settled('device memory', async () => {
    await pause(READING_MILLISECONDS / 6);
    return metrics.value('sluice_gpu_memory_used_bytes', { gpu: '0' });
  });
  if (used === 0) throw new Error('the metrics tell of no GPU');
  return used;
}

/** The models of hswish_models.py, in a directory that the caller removes. */
export async function pluginModels(): Promise<{ directory: string; read(name: string): Promise<Buffer> }> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-plugins-'));
  const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';
  const { status, stderr } = spawnSync(python, ['test/gpu/hswish_models.py', directory], { encoding: 'utf8' });
  if (status !== 0) {
    await rm(directory, { recursive: true });
    throw new Error(`test/gpu/hswish_models.py needs Python with numpy and onnx:\n${stderr}`);
  }
  return { directory, read: (name) => readFile(join(directory, `${name}.onnx`)) };
}
