import { createTracker } from '../../server/core/tracking/create-tracker.js';
import type { TrackInput } from '../../server/core/tracking/tracker.js';
import { trackerSchema } from '../../server/core/tracking-config.js';
import { blurred, unit } from '../core/tracking/scenes.js';
import { Random } from '../support/random.js';
import { median } from './figures.js';
import type { Report } from './report.js';
import type { Settings } from './settings.js';

const OBJECTS = 200;
const PICTURE = { width: 1920, height: 1080 };

/** Frames before it is measured: as many as fill the buckets of the preset face, and once again. */
const WARM_UP = 320;

/**
 * Looks that an object has in turn, more than a bucket holds: none is met again. The cosine of two of them is 0.74 and
 * that of looks of different objects about 0, as it is with faces.
 */
const LOOKS = 160;
const BLUR = 0.6;

const TRACKERS: Readonly<Record<string, { readonly section: object; readonly features: number }>> = {
  'deepsort by distance': { section: { algorithm: 'deepsort' }, features: 0 },
  'deepsort by features of 512': { section: { algorithm: 'deepsort', deepsort: { preset: 'face' } }, features: 512 },
  bytetrack: { section: { algorithm: 'bytetrack' }, features: 0 },
  ocsort: { section: { algorithm: 'ocsort' }, features: 0 },
};

/** Share of the picture's sides that the objects keep to: a crowd, and a heap in which everything overlaps. */
const SCENES: Readonly<Record<string, number>> = { crowd: 1, heap: 0.1 };

/** Milliseconds that a frame of 200 objects takes a tracker that follows all of them. */
export async function trackers(report: Report, settings: Settings): Promise<void> {
  for (const [name, { section, features }] of Object.entries(TRACKERS)) {
    for (const [scene, share] of Object.entries(SCENES)) {
      report.progress(`trackers: ${name}, ${scene}`);
      const frame = follow(section, features, share);
      for (let index = 0; index < WARM_UP; index++) frame();
      const runs = Array.from({ length: settings.repetitions }, () => measure(frame, settings.operatorMilliseconds));
      const at = { objects: OBJECTS, scene };
      const aim = { is: 'at most', value: 2 } as const;
      report.add({ bench: 'trackers', figure: name, at, unit: 'ms', runs, ...(scene === 'crowd' ? { aim } : {}) });
    }
  }
}

/** The median of the milliseconds that frames take, for `atLeast` milliseconds. */
function measure(frame: () => number, atLeast: number): number {
  const end = performance.now() + atLeast;
  const frames: number[] = [];
  do frames.push(frame());
  while (performance.now() < end);
  return median(frames);
}

/** Gives a tracker its next frame with each call, and tells how many milliseconds it took. */
function follow(section: object, features: number, share: number): () => number {
  const random = new Random(17);
  const tracker = createTracker(trackerSchema.parse(section));
  const [width, height] = [PICTURE.width * share, PICTURE.height * share];
  const objects = Array.from({ length: OBJECTS }, () => {
    const face = unit(random, features);
    return {
      x: random.next() * width,
      y: random.next() * height,
      speedX: random.next() * 6 - 3,
      speedY: random.next() * 4 - 2,
      size: 60 + 60 * random.next(),
      looks: Array.from({ length: features > 0 ? LOOKS : 0 }, () => blurred(random, face, BLUR)),
    };
  });
  let index = 0;
  return () => {
    const detections = objects.map((object): TrackInput => {
      if (object.x < 0 || object.x > width) object.speedX *= -1;
      if (object.y < 0 || object.y > height) object.speedY *= -1;
      object.x += object.speedX;
      object.y += object.speedY;
      const jitter = () => (random.next() - 0.5) * 0.02 * object.size;
      const [left, top] = [object.x - 0.2 * object.size + jitter(), object.y - 0.5 * object.size + jitter()];
      const box = { left, top, right: left + 0.4 * object.size, bottom: top + object.size + jitter() };
      return { box, score: 0.7 + 0.3 * random.next(), classId: 0, feature: object.looks[index % LOOKS] };
    });
    index += 1;
    const start = performance.now();
    tracker.update(detections, { index });
    return performance.now() - start;
  };
}
