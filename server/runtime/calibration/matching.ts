/** A detection as far as it is compared: in pixels of the picture. */
export interface Detection {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly score: number;
  readonly classId: number;
}

/** Two detections of the same object. */
export interface Match {
  /** Places in the two lists. */
  readonly reference: number;
  readonly candidate: number;
  /** Intersection over union. */
  readonly iou: number;
}

/** From this intersection over union on, two boxes show the same object. */
export const LEAST_IOU = 0.5;

/** The detections of two models in one picture, or in several, added up. */
export interface MatchCounts {
  readonly references: number;
  readonly candidates: number;
  readonly matches: number;
}

/**
 * Pairs the detections of two models in one picture. The candidate's best score chooses first: of the references of its
 * class that are free, the one it overlaps most, if that is LEAST_IOU or more. What is equal goes by its place in the list.
 */
export function matchDetections(references: readonly Detection[], candidates: readonly Detection[]): Match[] {
  const free = new Set(references.keys());
  const order = [...candidates.entries()].sort(([, left], [, right]) => right.score - left.score);
  return order.flatMap(([candidate, detection]): Match[] => {
    let best: Match | null = null;
    for (const reference of free) {
      const other = references[reference]!;
      if (other.classId !== detection.classId) continue;
      const iou = intersectionOverUnion(other, detection);
      if (iou >= LEAST_IOU && iou > (best?.iou ?? 0)) best = { reference, candidate, iou };
    }
    if (best === null) return [];
    free.delete(best.reference);
    return [best];
  });
}

/** 0 where the boxes do not overlap, and where one of them is empty. */
export function intersectionOverUnion(left: Detection, right: Detection): number {
  const width = Math.min(left.right, right.right) - Math.max(left.left, right.left);
  const height = Math.min(left.bottom, right.bottom) - Math.max(left.top, right.top);
  if (!(width > 0 && height > 0)) return 0;
  const intersection = width * height;
  return intersection / (area(left) + area(right) - intersection);
}

function area({ left, top, right, bottom }: Detection): number {
  return (right - left) * (bottom - top);
}

/** Share of the candidate's detections that the reference has too; 1 where it has none. */
export function precisionOf({ matches, candidates }: MatchCounts): number {
  return candidates === 0 ? 1 : matches / candidates;
}

/** Share of the reference's detections that the candidate has too; 1 where there are none. */
export function recallOf({ matches, references }: MatchCounts): number {
  return references === 0 ? 1 : matches / references;
}

/** The harmonic mean of both, 0 to 1; 1 where neither model detects anything. */
export function f1Of({ matches, candidates, references }: MatchCounts): number {
  return candidates + references === 0 ? 1 : (2 * matches) / (candidates + references);
}

/** The cosine of two vectors, -1 to 1. Two vectors of zeros are the same; a value that is not finite is like nothing: 0. */
export function cosineOf(left: Float32Array, right: Float32Array): number {
  let [dot, ofLeft, ofRight] = [0, 0, 0];
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? NaN;
    dot += value * other;
    ofLeft += value * value;
    ofRight += other * other;
  }
  if (ofLeft === 0 && ofRight === 0) return 1;
  const cosine = dot / Math.sqrt(ofLeft * ofRight);
  return Number.isFinite(cosine) ? Math.min(1, Math.max(-1, cosine)) : 0;
}
