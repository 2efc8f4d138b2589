import type { Detection, KeyPoint, Point, RotatedBox, RunLengths } from '../../gen/sluice/v1/inference.js';
import { textPath, textWidth } from './stroke-font.js';

/** Told apart by eye, also next to one another: one for each class, or for each track. */
const COLOURS = [
  '#00d26a',
  '#ff5a5f',
  '#3fa7ff',
  '#ffd166',
  '#c77dff',
  '#ff9f1c',
  '#2ec4b6',
  '#f15bb5',
  '#9ef01a',
  '#8d99ff',
];

/** Pairs of COCO's 17 key points that a skeleton joins. */
const SKELETON: readonly (readonly [number, number])[] = [
  [0, 1],
  [0, 2],
  [1, 3],
  [2, 4],
  [5, 6],
  [5, 7],
  [7, 9],
  [6, 8],
  [8, 10],
  [5, 11],
  [6, 12],
  [11, 12],
  [11, 13],
  [13, 15],
  [12, 14],
  [14, 16],
];
const SKELETON_POINTS = 17;

/** Key points that a model is less sure of are not drawn. */
const SURE_ENOUGH = 0.3;

/** Pixel (0, 0) has its centre there in the protocol, and its corner there in SVG. */
const HALF = 0.5;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The colour in which a detection is drawn. */
export function colourOf({ track, classId }: Detection): string {
  return COLOURS[(track?.id ?? classId) % COLOURS.length]!;
}

/** Everything that is drawn over a picture, as an SVG of its size. Masks given as PNG are left to others. */
export function overlay(detections: readonly Detection[], { width, height }: Size): string {
  const line = Math.max(1, Math.round(Math.max(width, height) / 300));
  // The best one is drawn last, over the others.
  const shapes = [...detections].reverse().map((detection) => drawn(detection, line, height));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" fill="none" ` +
    `stroke-linecap="round" stroke-linejoin="round">${shapes.join('')}</svg>`
  );
}

function drawn(detection: Detection, line: number, height: number): string {
  const { box, rotatedBox, mask, landmarks, keyPoints } = detection;
  const colour = colourOf(detection);
  const parts: string[] = [];
  if (mask?.data?.$case === 'runLengths') {
    parts.push(
      `<path d="${runsPath(mask.data.runLengths, mask.height)}" stroke="${colour}" stroke-opacity="0.4" stroke-linecap="butt"/>`,
    );
  }
  if (rotatedBox !== undefined) parts.push(stroked(turnedPath(rotatedBox), colour, line));
  else if (box !== undefined) {
    const { left, top, right, bottom } = box;
    parts.push(
      stroked(
        path(
          [
            [left, top],
            [right, top],
            [right, bottom],
            [left, bottom],
          ],
          true,
        ),
        colour,
        line,
      ),
    );
  }
  parts.push(stroked(bonesPath(keyPoints), colour, line), dots(sure(keyPoints), line), dots(landmarks, line));
  if (box !== undefined) parts.push(caption(detection, colour, line, height));
  return parts.join('');
}

/** Track, label or class, and score, on a plate above the box, or inside it at the upper edge of the picture. */
function caption(
  { box, track, label, classId, score, classification }: Detection,
  colour: string,
  line: number,
  height: number,
): string {
  const best = classification?.classes[0];
  const found = best === undefined ? [] : [best.label === '' ? `class ${best.classId}` : best.label];
  const words = [
    ...(track === undefined ? [] : [`#${track.id}`]),
    label === '' ? `class ${classId}` : label,
    ...found,
    score.toFixed(2),
  ];
  const text = words.join(' ');
  const letter = 5 * line + 3;
  const plate = letter + 4 * line;
  const left = box!.left + HALF;
  const top = Math.min(Math.max(0, box!.top + HALF - plate), height - plate);
  return (
    `<rect x="${number(left)}" y="${number(top)}" width="${number(textWidth(text, letter) + 4 * line)}" height="${plate}" fill="${colour}"/>` +
    `<path d="${textPath(text, left + 2 * line, top + 2 * line, letter)}" stroke="#101010" stroke-width="${line}"/>`
  );
}

/** COCO's run lengths as one vertical line a run and column. */
function runsPath({ counts }: RunLengths, height: number): string {
  const pieces: string[] = [];
  let at = 0;
  counts.forEach((count, index) => {
    const end = at + count;
    // Every other run lies inside the object.
    while (index % 2 === 1 && at < end) {
      const column = Math.floor(at / height);
      const stop = Math.min(end, (column + 1) * height);
      pieces.push(`M${column + HALF} ${at - column * height}v${stop - at}`);
      at = stop;
    }
    at = end;
  });
  return pieces.join('');
}

function turnedPath({ center, width, height, angle }: RotatedBox): string {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const { x, y } = center ?? { x: 0, y: 0 };
  const corner = (across: number, down: number): [number, number] => {
    const [dx, dy] = [(across * width) / 2, (down * height) / 2];
    return [x + cosine * dx - sine * dy, y + sine * dx + cosine * dy];
  };
  return path([corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)], true);
}

function bonesPath(points: readonly KeyPoint[]): string {
  if (points.length !== SKELETON_POINTS) return '';
  return SKELETON.flatMap(([from, to]) => {
    const ends = sure([points[from]!, points[to]!]);
    return ends.length < 2
      ? []
      : [
          path(
            ends.map(({ x, y }) => [x, y] as const),
            false,
          ),
        ];
  }).join('');
}

function sure(points: readonly KeyPoint[]): KeyPoint[] {
  return points.filter(({ score }) => score >= SURE_ENOUGH);
}

function dots(points: readonly Point[], line: number): string {
  return points
    .map(({ x, y }) => `<circle cx="${number(x + HALF)}" cy="${number(y + HALF)}" r="${1.5 * line}" fill="#ffe14d"/>`)
    .join('');
}

function path(points: readonly (readonly [x: number, y: number])[], closed: boolean): string {
  return `M${points.map(([x, y]) => `${number(x + HALF)} ${number(y + HALF)}`).join('L')}${closed ? 'Z' : ''}`;
}

function stroked(data: string, colour: string, line: number): string {
  return data === '' ? '' : `<path d="${data}" stroke="${colour}" stroke-width="${line}"/>`;
}

/** What is not finite would end the drawing. */
function number(value: number): string {
  return (Number.isFinite(value) ? Math.min(Math.max(value, -1e5), 1e5) : 0).toFixed(1);
}
