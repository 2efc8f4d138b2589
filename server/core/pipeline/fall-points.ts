/** Key points that task fall reads: those of the MPII set. */
export const FALL_POINTS = 16;

/** Key points of the COCO set, which most pose models tell. */
export const COCO_POINTS = 17;

/** A point as a sum of others: which of them, and how much of it counts. The parts add up to 1. */
type Mixture = readonly (readonly [point: number, part: number])[];

const NOSE = 0;
const [LEFT_SHOULDER, RIGHT_SHOULDER, LEFT_ELBOW, RIGHT_ELBOW, LEFT_WRIST, RIGHT_WRIST] = [5, 6, 7, 8, 9, 10];
const [LEFT_HIP, RIGHT_HIP, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE] = [11, 12, 13, 14, 15, 16];

/** The middle of the shoulders, `part` of it. */
function shoulders(part: number): Mixture {
  return [
    [LEFT_SHOULDER, part / 2],
    [RIGHT_SHOULDER, part / 2],
  ];
}

/**
 * MPII's points from COCO's, in MPII's order. COCO has no pelvis, thorax, neck and top of the head: they are placed on the
 * lines between the middle of the hips, that of the shoulders and the nose.
 */
const MPII_OF_COCO: readonly Mixture[] = [
  [[RIGHT_ANKLE, 1]],
  [[RIGHT_KNEE, 1]],
  [[RIGHT_HIP, 1]],
  [[LEFT_HIP, 1]],
  [[LEFT_KNEE, 1]],
  [[LEFT_ANKLE, 1]],
  [
    [LEFT_HIP, 0.5],
    [RIGHT_HIP, 0.5],
  ],
  shoulders(1),
  [...shoulders(0.65), [NOSE, 0.35]],
  [...shoulders(-0.8), [NOSE, 1.8]],
  [[RIGHT_WRIST, 1]],
  [[RIGHT_ELBOW, 1]],
  [[RIGHT_SHOULDER, 1]],
  [[LEFT_SHOULDER, 1]],
  [[LEFT_ELBOW, 1]],
  [[LEFT_WRIST, 1]],
];

/** The 16 points, x y score each, of a pose of 16 or of COCO's 17; a mixed point is as sure as its parts, weighted. */
export function fallPoints(pose: readonly number[]): number[] {
  if (pose.length === 3 * FALL_POINTS) return [...pose];
  return MPII_OF_COCO.flatMap((mixture) => {
    const sum = (value: number, weight: (part: number) => number) =>
      mixture.reduce((total, [point, part]) => total + weight(part) * pose[3 * point + value]!, 0);
    const weights = mixture.reduce((total, [, part]) => total + Math.abs(part), 0);
    return [sum(0, (part) => part), sum(1, (part) => part), sum(2, Math.abs) / weights];
  });
}
