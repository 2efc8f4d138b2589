import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Region, SluiceClient } from '../../clients/typescript/sluice-client.js';
import type { Box, Point } from '../../server/gen/sluice/v1/inference.js';
import { all } from './ask.js';
import { boxRegion, landmarksRegion } from './messages.js';

/** The models of test/models on the scenes that their training held out, judged by the training's own measures. */

export const TRAINED_MODELS = join('test', 'models');

/** What test/training writes of a held-out scene. */
interface Scene {
  readonly file: string;
  /** left top right bottom of people and faces. */
  readonly boxes: readonly (readonly [number, number, number, number])[];
  /** Of a face, five points; of faces, five of each. */
  readonly landmarks: readonly (readonly [number, number])[];
  readonly texts: readonly string[];
}

/** The kind of scenes that a model is judged on. */
export type SceneKind = 'shapes' | 'turned' | 'faces' | 'people' | 'singles' | 'identities' | 'texts';

/** A model of test/models. */
export interface TrainedModel {
  readonly name: string;
  /** Name of the head that was trained: files of other layouts share one. */
  readonly head: string;
  readonly scenes: SceneKind;
  /** The figures that its training ends with. */
  readonly metrics: Readonly<Record<string, number>>;
}

const SCENES: Readonly<Record<string, SceneKind>> = {
  yolov8_obb: 'turned',
  yolov8_pose: 'people',
  alphapose: 'people',
  heatmap_pose: 'people',
  dbface: 'faces',
  retinaface: 'faces',
  scrfd: 'faces',
  arcface: 'identities',
  classification: 'singles',
  text_classification: 'texts',
  text_embedding: 'texts',
};

/** What detectors are asked for when they are judged, as in test/training/evaluate.py. */
const JUDGED = { scoreThreshold: 0.05, nmsThreshold: 0.5 } as const;

/** Reads what training said of a model. */
export async function trainedModel(name: string): Promise<TrainedModel> {
  const lines = (await readFile(join(TRAINED_MODELS, name, 'training.jsonl'), 'utf8')).trim().split('\n');
  const last = JSON.parse(lines.at(-1)!) as { head: string; metrics: Record<string, number> };
  return { name, head: last.head, scenes: SCENES[last.head] ?? 'shapes', metrics: last.metrics };
}

/** Draws the held-out scenes of a kind into `directory`, once. */
export function drawScenes(directory: string, kind: SceneKind): void {
  if (existsSync(join(directory, kind, 'truth.json'))) return;
  python(['-m', 'training.held_out', resolve(directory), '--kinds', kind]);
}

/** Draws scenes of a kind that neither training nor judging sees into `directory`. Returns where they are. */
export function drawFurtherScenes(directory: string, kind: 'shapes' | 'faces', count: number): string {
  python(['-m', 'training.held_out', resolve(directory), '--kinds', kind, '--further', `${count}`]);
  return resolve(directory, kind);
}

/** The measures of a served model on its held-out scenes. */
export async function measure(
  client: SluiceClient,
  model: TrainedModel,
  served: string,
  directory: string,
): Promise<Record<string, number>> {
  drawScenes(directory, model.scenes);
  const scenes = JSON.parse(await readFile(join(directory, model.scenes, 'truth.json'), 'utf8')) as Scene[];
  const results = await resultsOf(client, model, served, scenes, join(directory, model.scenes));
  const file = join(directory, `${served}.json`);
  await writeFile(file, JSON.stringify(results));
  const told = python(['-m', 'training.evaluate', '.', '--heads', model.head, '--results', resolve(file)]);
  return JSON.parse(told.trim().split('\n').at(-1)!) as Record<string, number>;
}

function resultsOf(
  client: SluiceClient,
  { head, scenes: kind }: TrainedModel,
  model: string,
  scenes: readonly Scene[],
  directory: string,
): Promise<unknown[]> {
  if (kind === 'texts') return textResults(client, head, model, scenes);
  if (head === 'arcface') return vectors(client, model, scenes, directory);
  if (head === 'classification') return classes(client, model, scenes, directory);
  if (head === 'unet') return maps(client, model, scenes, directory);
  return detections(client, head, model, scenes, directory);
}

async function* pictures(scenes: readonly Scene[], directory: string, regions: (scene: Scene) => Region[] = () => []) {
  for (const scene of scenes) {
    yield { picture: await readFile(join(directory, scene.file)), regions: regions(scene) };
  }
}

async function detections(
  client: SluiceClient,
  head: string,
  model: string,
  scenes: readonly Scene[],
  directory: string,
): Promise<unknown[]> {
  const crops = head === 'alphapose' || head === 'heatmap_pose';
  const frames = pictures(scenes, directory, ({ boxes }) => (crops ? boxes.map((box) => boxRegion(...box)) : []));
  const answers = await all(client.detect(frames, { model, window: 16, ...JUDGED }));
  return answers.map(({ frame, detections: found }) => {
    if (frame?.error !== undefined) throw new Error(frame.error.message);
    const points = found.map(({ landmarks, keyPoints }) => (keyPoints.length > 0 ? keyPoints : landmarks).map(pair));
    if (crops) return { people: found.map(({ score }, index) => ({ points: points[index], score })) };
    const result: Record<string, unknown> = {
      boxes: found.map(({ box }) => edges(box!)),
      scores: found.map(({ score }) => score),
      labels: found.map(({ classId }) => classId),
    };
    if (points.some((own) => own.length > 0) || head === 'yolov8_pose') result['points'] = points;
    if (head === 'yolov8_obb') {
      result['turned'] = found.map(({ rotatedBox }) => {
        const { center, width, height, angle } = rotatedBox!;
        return [center!.x, center!.y, width, height, angle];
      });
    }
    if (head === 'yolov8_seg') {
      result['masks'] = found.map(({ mask }) =>
        mask?.data?.$case === 'runLengths' ? mask.data.runLengths.counts : [],
      );
    }
    return result;
  });
}

async function vectors(
  client: SluiceClient,
  model: string,
  scenes: readonly Scene[],
  directory: string,
): Promise<unknown[]> {
  const frames = pictures(scenes, directory, ({ landmarks }) => [landmarksRegion(landmarks.flat())]);
  const answers = await all(client.embed(frames, { model, window: 16 }));
  return answers.map(({ embeddings }) => ({ values: embeddings[0]!.values }));
}

async function classes(
  client: SluiceClient,
  model: string,
  scenes: readonly Scene[],
  directory: string,
): Promise<unknown[]> {
  const settings = { model, window: 16, topK: 100, scoreThreshold: 0 };
  const answers = await all(client.classify(pictures(scenes, directory), settings));
  return answers.map(({ classifications }) => ({ values: scoresOf(classifications[0]!.classes) }));
}

async function maps(
  client: SluiceClient,
  model: string,
  scenes: readonly Scene[],
  directory: string,
): Promise<unknown[]> {
  const answers = await all(client.segment(pictures(scenes, directory), { model, window: 16 }));
  const folder = join(directory, `maps-${model}`);
  await mkdir(folder, { recursive: true });
  return Promise.all(
    answers.map(async ({ classMap }, index) => {
      const map = resolve(folder, `${index}.png`);
      await writeFile(map, classMap);
      return { map };
    }),
  );
}

async function textResults(
  client: SluiceClient,
  head: string,
  model: string,
  scenes: readonly Scene[],
): Promise<unknown[]> {
  const frames = scenes.flatMap(({ texts }) => texts.map((picture) => ({ picture })));
  const settings = { model, window: 16 };
  const values =
    head === 'text_embedding'
      ? (await all(client.embed(frames, settings))).map(({ embeddings }) => embeddings[0]!.values)
      : (await all(client.classify(frames, { ...settings, topK: 100, scoreThreshold: 0 }))).map(({ classifications }) =>
          scoresOf(classifications[0]!.classes),
        );
  return scenes.map((_, index) => ({ values: values.slice(2 * index, 2 * index + 2) }));
}

/** By class; what is not told scored 0. */
function scoresOf(told: readonly { readonly classId: number; readonly score: number }[]): number[] {
  const scores: number[] = Array(Math.max(...told.map(({ classId }) => classId)) + 1).fill(0);
  for (const { classId, score } of told) scores[classId] = score;
  return scores;
}

function pair({ x, y }: Point): [number, number] {
  return [x, y];
}

function edges({ left, top, right, bottom }: Box): number[] {
  return [left, top, right, bottom];
}

/** Runs a module of test/training; answers with what it printed. */
function python(args: readonly string[]): string {
  const own = resolve('.venv', 'bin', 'python');
  const { status, stdout, stderr } = spawnSync(existsSync(own) ? own : 'python3', args, {
    cwd: 'test',
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}:\n${stderr}`);
  return stdout;
}
