import sharp from 'sharp';
import type { DetectResponse, Detection } from './sluice-client.js';

/** Draws boxes, landmarks and scores over a picture file's bytes and returns a PNG. */
export async function annotate(picture: Uint8Array, { detections }: DetectResponse): Promise<Buffer> {
  const upright = sharp(picture).autoOrient();
  const { width, height } = (await upright.metadata()).autoOrient;
  const line = Math.max(2, Math.round(Math.max(width, height) / 300));
  const shapes = detections.flatMap(({ box, label, score, landmarks }) => {
    if (box === undefined) return [];
    const { left, top, right, bottom } = box;
    const text = `${label} ${score.toFixed(2)}`.trim();
    return [
      `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" fill="none" stroke="#00e5a0" stroke-width="${line}"/>`,
      `<text x="${left}" y="${Math.max(6 * line, top - 2 * line)}" font-family="sans-serif" font-size="${7 * line}" fill="#00e5a0">${escapeXml(text)}</text>`,
      ...landmarks.map(({ x, y }) => `<circle cx="${x}" cy="${y}" r="${1.5 * line}" fill="#ffd400"/>`),
    ];
  });
  const overlay = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shapes.join('')}</svg>`;
  return upright
    .composite([{ input: Buffer.from(overlay) }])
    .png()
    .toBuffer();
}

/** A detection on one line, its edges in whole pixels. */
export function describe({ label, classId, score, box }: Detection): string {
  const [left, top, right, bottom] = [box?.left, box?.top, box?.right, box?.bottom].map((edge) =>
    Math.round(edge ?? NaN),
  );
  const what = label === '' ? `class ${classId}` : label;
  return `${what} ${score.toFixed(3)} at (${left}, ${top})-(${right}, ${bottom})`;
}

function escapeXml(text: string): string {
  return text.replace(/[<>&'"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
