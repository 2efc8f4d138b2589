import { invalid, writeElements, type Datatype, type Tensor } from '../tensors.js';

/** How the numbers of each type that can be compared are read. */
const READERS: Partial<Record<Datatype, (data: Uint8Array) => ArrayLike<number | bigint>>> = {
  UINT8: (data) => data,
  UINT16: (data) => new Uint16Array(own(data)),
  UINT32: (data) => new Uint32Array(own(data)),
  UINT64: (data) => new BigUint64Array(own(data)),
  INT8: (data) => new Int8Array(own(data)),
  INT16: (data) => new Int16Array(own(data)),
  INT32: (data) => new Int32Array(own(data)),
  INT64: (data) => new BigInt64Array(own(data)),
  FP32: (data) => new Float32Array(own(data)),
  FP64: (data) => new Float64Array(own(data)),
};

/** Where the elements begin at a place that fits their type. */
function own(data: Uint8Array): ArrayBuffer {
  return new Uint8Array(data).buffer;
}

/**
 * An output as the classification extension has it: in place of each row's scores its `count` best classes as BYTES,
 * `score:class` or `score:class:label`, equal ones by class. Without a batch dimension all of the output is one row.
 * Throws INVALID_REQUEST.
 */
export function classified(output: Tensor, count: number, labels: readonly string[], batched: boolean): Tensor {
  const { name, datatype, shape } = output;
  const read = READERS[datatype];
  if (read === undefined) throw invalid(name, `is ${datatype}, of which there are no best classes`);
  if (!(Number.isSafeInteger(count) && count >= 1))
    throw invalid(name, `is asked for ${count} classes; ask for 1 or more`);
  const scores = read(output.data);
  const rows = batched ? shape[0]! : 1;
  const classes = rows === 0 ? 0 : scores.length / rows;
  const most = Math.min(count, classes);
  const texts: Uint8Array[] = [];
  for (let row = 0; row < rows; row++) {
    for (const place of bestPlaces(scores, row * classes, classes, most)) {
      const label = labels[place];
      const score = scores[row * classes + place]!;
      // As Triton writes it: floats with six digits behind the point.
      const text = `${datatype.startsWith('FP') ? Number(score).toFixed(6) : score}:${place}`;
      texts.push(Buffer.from(label === undefined ? text : `${text}:${label}`));
    }
  }
  return { name, datatype: 'BYTES', shape: batched ? [rows, most] : [most], data: writeElements(texts) };
}

function bestPlaces(scores: ArrayLike<number | bigint>, from: number, classes: number, most: number): number[] {
  const places = Array.from({ length: classes }, (_, place) => place);
  const scoreOf = (place: number) => scores[from + place]!;
  // Neither number nor bigint: NaN comes last.
  const isNaNAt = (place: number) => Number.isNaN(scoreOf(place));
  places.sort((a, b) => {
    if (isNaNAt(a) || isNaNAt(b)) return Number(isNaNAt(a)) - Number(isNaNAt(b)) || a - b;
    return scoreOf(a) > scoreOf(b) ? -1 : scoreOf(a) < scoreOf(b) ? 1 : a - b;
  });
  return places.slice(0, most);
}
