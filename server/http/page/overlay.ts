import { className, type Detection, type FrameInfo, type Point } from './answer.js';
import { cssColour } from './colours.js';
import { shape, svgText } from './svg.js';

/** Draws boxes, points and names over a picture, in its own coordinates: (0, 0) is the centre of the first pixel. */
export function drawOverlay(svg: SVGSVGElement, { width, height }: FrameInfo, detections: readonly Detection[]): void {
  svg.setAttribute('viewBox', `-0.5 -0.5 ${width} ${height}`);
  const unit = Math.max(width, height) / 100;
  // The best one on top.
  svg.replaceChildren(...[...detections].reverse().map((detection) => groupOf(detection, unit)));
}

function groupOf(detection: Detection, unit: number): SVGElement {
  const { box, landmarks, keyPoints, rotatedBox, score } = detection;
  const group = shape('g', { class: 'detection', color: cssColour(detection.classId) });
  for (const part of ['edge', 'box']) {
    if (rotatedBox === undefined) {
      const size = { width: box.right - box.left, height: box.bottom - box.top };
      group.append(shape('rect', { class: part, x: box.left, y: box.top, ...size }));
    } else {
      const points = cornersOf(rotatedBox).map(({ x, y }) => `${x},${y}`);
      group.append(shape('polygon', { class: part, points: points.join(' ') }));
    }
  }
  for (const { x, y } of landmarks) group.append(shape('circle', { class: 'point', cx: x, cy: y, r: unit * 0.5 }));
  for (const { x, y, score: sure } of keyPoints) {
    group.append(shape('circle', { class: 'point', cx: x, cy: y, r: unit * 0.5, opacity: Math.max(0.15, sure) }));
  }
  const size = unit * 2.8;
  const y = box.top > size * 1.2 ? box.top - size * 0.3 : box.top + size;
  group.append(svgText(`${className(detection)} ${score.toFixed(2)}`, { x: box.left, y, 'font-size': size }));
  return group;
}

function cornersOf({ center, width, height, angle }: NonNullable<Detection['rotatedBox']>): Point[] {
  const [cosine, sine] = [Math.cos(angle) / 2, Math.sin(angle) / 2];
  return [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ].map(([x = 0, y = 0]) => ({
    x: center.x + x * width * cosine - y * height * sine,
    y: center.y + x * width * sine + y * height * cosine,
  }));
}
