import type { DetectResponse } from '../../clients/typescript/sluice-client.js';

/** The lines of one answer, as the programs print them. */
export function describe({ frame, detections }: DetectResponse): string[] {
  const name = frame!.frameId;
  if (detections.length === 0) return [`${name}: nothing found`];
  return detections.map(({ label, score, box }) => {
    const [left, top, right, bottom] = [box!.left, box!.top, box!.right, box!.bottom].map(Math.round);
    return `${name}: ${label} ${score.toFixed(3)} at (${left}, ${top})-(${right}, ${bottom})`;
  });
}
