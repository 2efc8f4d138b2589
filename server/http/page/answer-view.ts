import { className, normOf, type Answer, type ClassScore, type Detection, type Timings } from './answer.js';
import { byId, KeyedRows, setText, type Cell } from './dom.js';
import { brief } from './numbers.js';

/** Rows that are shown of an answer. */
const MOST_ROWS = 50;

/** What a model said of a picture, in words and numbers. */
export class AnswerView {
  readonly #results = new KeyedRows(byId('results'));
  readonly #timings = new KeyedRows(byId('timings'));

  /** `milliseconds`: from sending the picture to having the answer. */
  show(answer: Answer, milliseconds: number): void {
    const { modelName, modelVersion, timings } = answer.frame;
    setText(byId('verdict'), `${modelName} ${modelVersion}: ${describe(answer)}`);
    const rows = rowsOf(answer).slice(0, MOST_ROWS);
    this.#results.show(rows.map((cells, place) => [`${cells.length} ${place}`, cells]));
    byId('timings-table').hidden = timings === undefined;
    if (timings !== undefined) this.#timings.show(timingRows(timings, milliseconds));
  }

  clear(): void {
    setText(byId('verdict'), '');
    this.#results.show([]);
    byId('timings-table').hidden = true;
  }
}

/** An answer in a few words. */
export function describe({ detections, embeddings, classifications, classes }: Answer): string {
  if (detections !== undefined) {
    if (detections.length === 0) return 'found nothing';
    const names = detections.slice(0, 5).map((each) => `${className(each)} ${each.score.toFixed(2)}`);
    return `found ${detections.length}: ${names.join(', ')}${detections.length > 5 ? ', ...' : ''}`;
  }
  if (embeddings !== undefined) {
    const [embedding = { values: [] }] = embeddings;
    return `a vector of ${embedding.values.length} numbers, its length ${normOf(embedding).toFixed(4)}`;
  }
  if (classifications !== undefined) {
    const [best] = classifications[0]?.classes ?? [];
    return best === undefined ? 'no class scores enough' : `${className(best)} ${best.score.toFixed(3)}`;
  }
  return `${classes?.length ?? 0} classes of pixels`;
}

function rowsOf({ frame, detections, embeddings, classifications, classes }: Answer): Cell[][] {
  if (detections !== undefined) return detections.map(detectionCells);
  if (embeddings !== undefined) {
    return embeddings.map((embedding) => [
      embedding.values
        .slice(0, 8)
        .map((value) => value.toFixed(3))
        .join('  ') + ' ...',
    ]);
  }
  if (classifications !== undefined) return classifications.flatMap((each) => each.classes.map(scoreCells));
  const share = (pixels: number): string => `${brief((100 * pixels) / (frame.width * frame.height))} %`;
  return (classes ?? []).map((each) => [className(each), numberCell(share(each.pixels))]);
}

function detectionCells(detection: Detection): Cell[] {
  const { box, score, keyPoints, landmarks, embedding, classification } = detection;
  const [best] = classification?.classes ?? [];
  const more = [
    keyPoints.length > 0 ? `${keyPoints.length} key points` : '',
    landmarks.length > 0 ? `${landmarks.length} landmarks` : '',
    best === undefined ? '' : `${className(best)} ${best.score.toFixed(2)}`,
    embedding === undefined ? '' : `vector of length ${normOf(embedding).toFixed(3)}`,
  ];
  const corners = [box.left, box.top, box.right, box.bottom].map((edge) => edge.toFixed(0));
  return [
    className(detection),
    numberCell(score.toFixed(3)),
    numberCell(`(${corners[0]}, ${corners[1]}) – (${corners[2]}, ${corners[3]})`),
    more.filter((text) => text !== '').join(', '),
  ];
}

function scoreCells(scored: ClassScore): Cell[] {
  return [className(scored), numberCell(scored.score.toFixed(4))];
}

function timingRows(timings: Timings, roundTrip: number): (readonly [string, Cell[]])[] {
  const phases: (readonly [string, number])[] = [
    ['queue', timings.queueUs],
    ['decode', timings.decodeUs],
    ['preprocess', timings.preprocessUs],
    ['infer', timings.inferUs],
    ['postprocess', timings.postprocessUs],
    ['in the server', timings.totalUs],
    ['to and from here', roundTrip * 1000],
  ];
  return phases.map(([name, microseconds]) => [name, [name, numberCell((microseconds / 1000).toFixed(2))]] as const);
}

function numberCell(text: string): Cell {
  return { text, className: 'number' };
}
