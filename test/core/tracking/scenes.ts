import type { TrackBox, TrackInput } from '../../../server/core/tracking/tracker.js';
import { Random } from '../../support/random.js';

export interface SceneOptions {
  readonly frames: number;
  /** Objects that are there at a time, about. */
  readonly objects: number;
  readonly classes: number;
  /** Values of a feature; 0: detections have none. */
  readonly features: number;
  /** Share of the frames that nobody looks at. */
  readonly dropped: number;
}

/** What a detector makes of a frame. */
export interface SceneFrame {
  /** Frames since the one before. */
  readonly steps: number;
  readonly detections: readonly TrackInput[];
  /** Which object each detection shows; -1: none. */
  readonly truth: readonly number[];
}

const [WIDTH, HEIGHT] = [1280, 720];

/** An object that crosses the picture, swaying. */
interface Walker {
  readonly number: number;
  readonly classId: number;
  readonly look: Float32Array;
  readonly speed: number;
  readonly drift: number;
  readonly sway: number;
  readonly growth: number;
  x: number;
  y: number;
  height: number;
  aspect: number;
  /** Frames for which nobody sees it. */
  hidden: number;
  age: number;
}

/**
 * A scene of objects that come, cross one another, are hidden for a while and go, as a mediocre detector sees it: boxes
 * jitter, scores vary, some objects are missed, and some detections show nothing.
 */
export function makeScene(seed: number, options: SceneOptions): SceneFrame[] {
  const random = new Random(seed);
  const walkers: Walker[] = [];
  const scene: SceneFrame[] = [];
  let numbers = 0;
  let steps = 0;
  while (scene.length < options.frames) {
    while (walkers.length < options.objects && (scene.length === 0 || random.chance(0.3))) {
      walkers.push(enter(random, numbers++, options));
    }
    for (const walker of walkers) walk(random, walker);
    for (const gone of walkers.filter(({ x }) => x < -60 || x > WIDTH + 60)) walkers.splice(walkers.indexOf(gone), 1);
    steps += 1;
    if (scene.length > 0 && random.chance(options.dropped)) continue;
    scene.push({ steps, ...look(random, walkers, options) });
    steps = 0;
  }
  return scene;
}

function enter(random: Random, number: number, { classes, features }: SceneOptions): Walker {
  const fromLeft = random.chance(0.5);
  return {
    number,
    classId: random.int(0, classes - 1),
    look: unit(random, features),
    speed: between(random, 2, 9) * (fromLeft ? 1 : -1),
    drift: between(random, -0.8, 0.8),
    sway: between(random, 0, 3),
    growth: between(random, 0.998, 1.002),
    x: random.chance(0.5) ? between(random, 0, WIDTH) : fromLeft ? -30 : WIDTH + 30,
    y: between(random, 100, HEIGHT - 100),
    height: between(random, 60, 200),
    aspect: between(random, 0.35, 0.8),
    hidden: 0,
    age: 0,
  };
}

function walk(random: Random, walker: Walker): void {
  walker.age += 1;
  walker.x += walker.speed;
  walker.y += walker.drift + walker.sway * Math.sin(walker.age / 7);
  walker.height *= walker.growth;
  if (walker.hidden > 0) walker.hidden -= 1;
  else if (random.chance(0.012)) walker.hidden = random.int(2, 25);
}

function look(random: Random, walkers: readonly Walker[], options: SceneOptions) {
  const seen: { input: TrackInput; number: number }[] = [];
  for (const { hidden, number, classId, x, y, height, aspect, look: face } of walkers) {
    if (hidden > 0 || random.chance(0.04)) continue;
    const jitter = () => between(random, -0.015, 0.015) * height;
    const width = aspect * height;
    const box = {
      left: x - width / 2 + jitter(),
      top: y - height / 2 + jitter(),
      right: x + width / 2 + jitter(),
      bottom: y + height / 2 + jitter(),
    };
    const score = random.chance(0.15) ? between(random, 0.05, 0.6) : between(random, 0.6, 0.99);
    seen.push({ input: makeInput(box, score, classId, blurred(random, face, 0.5)), number });
  }
  for (let wrong = random.int(0, 2); wrong > 0; wrong--) {
    const [left, top] = [between(random, 0, WIDTH), between(random, 0, HEIGHT)];
    const box = { left, top, right: left + between(random, 20, 90), bottom: top + between(random, 30, 180) };
    const classId = random.int(0, options.classes - 1);
    seen.push({
      input: makeInput(box, between(random, 0.05, 0.8), classId, unit(random, options.features)),
      number: -1,
    });
  }
  // In no particular order, but the same one for the same seed.
  const keys = new Map(seen.map((each) => [each, random.next()]));
  seen.sort((one, other) => keys.get(one)! - keys.get(other)!);
  return { detections: seen.map(({ input }) => input), truth: seen.map(({ number }) => number) };
}

export function makeInput(box: TrackBox, score = 0.9, classId = 0, feature?: Float32Array): TrackInput {
  return { box, score, classId, feature: feature?.length === 0 ? undefined : feature };
}

function between(random: Random, least: number, most: number): number {
  return least + (most - least) * random.next();
}

/** A direction at random. */
export function unit(random: Random, length: number): Float32Array {
  return normalised(Float32Array.from({ length }, () => between(random, -1, 1)));
}

/** A vector near another: `noise` is the length of what is added. */
export function blurred(random: Random, around: Float32Array, noise: number): Float32Array {
  const other = unit(random, around.length);
  return normalised(around.map((value, index) => value + noise * other[index]!));
}

function normalised(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
