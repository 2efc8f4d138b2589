import type { ExecutionContext } from 'ava';
import type { Frame, SluiceClient } from '../../clients/typescript/sluice-client.js';
import type { Detection, DetectResponse } from '../../server/gen/sluice/v1/inference.js';
import { all } from '../support/ask.js';

/** Faces below this score are not compared. */
const LEAST_SCORE = 0.3;

/** What a reference finds in a picture: its faces, and every cell that might have been one of them. */
export interface FaceReference {
  readonly faces: readonly Detection[];
  readonly cells: readonly Detection[];
}

/** How far a face may be from the reference: by overlap, or each value by itself, in pixels. */
export interface FaceTolerance {
  readonly score: number;
  readonly leastIou?: number;
  readonly pixels?: number;
}

type Picture = Frame['picture'];

export async function facesIn(
  client: SluiceClient,
  model: string,
  pictures: readonly Picture[],
  settings: { readonly scoreThreshold?: number; readonly nmsThreshold?: number } = {},
): Promise<DetectResponse[]> {
  const frames = pictures.map((picture) => ({ picture }));
  return all(client.detect(frames, { model, scoreThreshold: LEAST_SCORE, maxDetections: 4096, ...settings }));
}

/** What `model` finds, with and without suppression. */
export async function faceReferences(
  client: SluiceClient,
  model: string,
  pictures: readonly Picture[],
): Promise<FaceReference[]> {
  const faces = await facesIn(client, model, pictures);
  // Lower: a score that is just below the threshold may be just above it elsewhere.
  const cells = await facesIn(client, model, pictures, { scoreThreshold: LEAST_SCORE - 0.05, nmsThreshold: 1 });
  return faces.map(({ detections }, index) => ({ faces: detections, cells: cells[index]!.detections }));
}

/**
 * Passes when there is one detection for each face of the reference. Where several cells of a face are about equally
 * sure, any of them may have been taken, which is why each is compared with the cells.
 */
export function sameFaces(
  t: ExecutionContext,
  { frame, detections }: DetectResponse,
  { faces, cells }: FaceReference,
  tolerance: FaceTolerance,
  what: string,
): void {
  t.is(frame?.error, undefined, what);
  const sure = (list: readonly Detection[]) => list.filter(({ score }) => score >= LEAST_SCORE + tolerance.score);
  for (const found of sure(detections)) {
    const same = cells.some((cell) => isClose(found, cell, tolerance));
    t.true(same, `${what}: ${show(found)} is none of the reference's: ${cells.slice(0, 8).map(show).join(', ')}`);
  }
  for (const face of sure(faces)) {
    const found = detections.filter((detection) => iou(detection, face) > 0.5);
    t.is(found.length, 1, `${what}: ${show(face)} was found ${found.length} times`);
  }
}

function isClose(found: Detection, cell: Detection, { score, leastIou, pixels }: FaceTolerance): boolean {
  if (Math.abs(found.score - cell.score) > score) return false;
  if (leastIou !== undefined && iou(found, cell) < leastIou) return false;
  if (pixels === undefined) return true;
  const [a, b] = [places(found), places(cell)];
  return a.length === b.length && a.every((place, index) => Math.abs(place - b[index]!) <= pixels);
}

function places({ box, landmarks }: Detection): number[] {
  const { left, top, right, bottom } = box!;
  return [left, top, right, bottom, ...landmarks.flatMap(({ x, y }) => [x, y])];
}

/** Intersection over union. */
export function iou(one: Detection, other: Detection): number {
  const [a, b] = [one.box!, other.box!];
  const width = Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left));
  const height = Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
  const area = (box: typeof a) => (box.right - box.left) * (box.bottom - box.top);
  return (width * height) / (area(a) + area(b) - width * height);
}

function show(detection: Detection): string {
  const box = places(detection).slice(0, 4);
  return `${detection.score.toFixed(4)} at ${box.map((place) => place.toFixed(2)).join(' ')}`;
}
