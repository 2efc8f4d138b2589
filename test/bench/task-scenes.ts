import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { Region } from '../../server/core/picture.js';
import { root } from './bench-repository.js';

/** Size of the scenes: that of a camera. */
const SCENE = { width: 640, height: 480 } as const;

/** The sample photograph's side and place. */
const PHOTOGRAPH = { side: 230, left: 0, top: 250 } as const;

/** A picture with something in it for every task, and where some of that is. */
export interface TaskScene {
  readonly width: number;
  readonly height: number;
  /** RGB: pixels as they are, so that the decoding of files plays no part. */
  readonly data: Uint8Array;
  readonly person: Region;
  /** Landmarks. */
  readonly face: Region;
}

/** Scenes of shapes, turned bars, drawn faces and a stick person beside the sample photograph; no two are alike. */
export async function taskScenes(count: number): Promise<TaskScene[]> {
  const { side, left, top } = PHOTOGRAPH;
  const sample = await readFile(`${root}model-repo/.samples/astronaut.png`);
  const photograph = await sharp(sample).resize(side, side).toBuffer();
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const drawing = sharp(Buffer.from(drawn(index))).composite([{ input: photograph, left, top }]);
      const data = await drawing.removeAlpha().toColourspace('srgb').raw().toBuffer();
      const [x, y] = shifted(index);
      const points = [...EYES, ...NOSE_AND_MOUTH].flatMap(([alongX, alongY]) => [
        FACE.x + x + alongX * FACE.half,
        FACE.y + y + alongY * FACE.half,
      ]);
      return {
        ...SCENE,
        data: new Uint8Array(data),
        person: { kind: 'box', left: 510 + x, top: 220 + y, right: 610 + x, bottom: 445 + y },
        face: { kind: 'landmarks', points },
      } satisfies TaskScene;
    }),
  );
}

const FACE = { x: 330, y: 350, half: 75 } as const;
const EYES = [
  [-0.33, -0.2],
  [0.33, -0.2],
] as const;
const NOSE_AND_MOUTH = [
  [0, 0.2],
  [-0.3, 0.55],
  [0.3, 0.55],
] as const;

/** How far the things of a scene are moved, in pixels. */
function shifted(index: number): readonly [x: number, y: number] {
  return [index % 4, Math.floor(index / 4)];
}

function drawn(index: number): string {
  const [x, y] = shifted(index);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SCENE.width}" height="${SCENE.height}">
    <rect width="100%" height="100%" fill="rgb(${90 + index},100,110)"/>
    <g transform="translate(${x} ${y})">
      <circle cx="80" cy="80" r="50" fill="#d03020"/>
      <rect x="150" y="35" width="90" height="90" fill="#2060d0"/>
      <polygon points="320,25 370,120 270,120" fill="#20b040"/>
      <polygon points="440,20 454,62 498,62 463,88 476,130 440,104 404,130 417,88 382,62 426,62" fill="#e0c020"/>
      <circle cx="570" cy="80" r="42" fill="none" stroke="#c030c0" stroke-width="22"/>
      <path d="M85 150h36v42h42v36h-42v20h-36v-20h-42v-36h42z" fill="#30c0c0"/>
      <rect x="200" y="175" width="140" height="40" fill="#f08020" transform="rotate(25 270 195)"/>
      <ellipse cx="430" cy="190" rx="75" ry="24" fill="#7040e0" transform="rotate(-35 430 190)"/>
      ${face(FACE.x, FACE.y, FACE.half)}
      ${face(450, 400, 48)}
      ${PERSON}
    </g>
  </svg>`;
}

/** Hair, skin, eyes, nose and mouth; `half` is half the height of the head. */
function face(x: number, y: number, half: number): string {
  const eyes = EYES.map(
    ([alongX, alongY]) => `
      <ellipse cx="${alongX}" cy="${alongY}" rx="0.15" ry="0.1" fill="#f0f0f0"/>
      <circle cx="${alongX}" cy="${alongY}" r="0.07" fill="#203060"/>
      <path d="M${alongX - 0.2} ${alongY - 0.2}h0.4" stroke="#402810" stroke-width="0.06"/>`,
  );
  return `<g transform="translate(${x} ${y}) scale(${half})">
    <ellipse cy="-0.08" rx="0.82" ry="1.1" fill="#402810"/>
    <ellipse rx="0.75" ry="1" fill="#e1aa8c"/>
    <path d="M-0.6 -0.5L0 -0.7L0.6 -0.5L0.4 -0.98L0 -1.08L-0.4 -0.98z" fill="#402810"/>
    ${eyes.join('')}
    <path d="M0 -0.1L0.1 0.2H-0.1z" fill="#7c5e4d"/>
    <path d="M-0.3 0.55L0 0.6L0.3 0.55" fill="none" stroke="#c03040" stroke-width="0.06"/>
  </g>`;
}

const PERSON = `<g stroke-width="10" stroke-linecap="round">
  <circle cx="560" cy="255" r="22" fill="#e0b090"/>
  <path d="M560 290V360" stroke="#3050a0" stroke-width="26"/>
  <path d="M545 290L525 325L520 355M575 290L595 325L600 355" fill="none" stroke="#6080d0"/>
  <path d="M552 360L545 400L542 435M568 360L575 400L578 435" fill="none" stroke="#503020"/>
</g>`;
