/** One axis of a chart: where values lie on it, from 0 to 1, and which of them are written at it. */
export interface Axis {
  readonly ticks: readonly number[];
  place(value: number): number;
}

/** From 0 to a round number at or above `most`, with about five ticks. */
export function linearAxis(most: number): Axis {
  const step = roundUp(Math.max(most, Number.MIN_VALUE) / 5);
  const count = Math.max(1, Math.ceil(most / step - 1e-9));
  return {
    ticks: Array.from({ length: count + 1 }, (_, index) => index * step),
    place: (value) => value / (count * step),
  };
}

/** Powers of ten and what divides them evenly for the eye, around values above 0. */
export function logarithmicAxis(least: number, most: number): Axis {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); ticks.length === 0 || ticks.at(-1)! < most; power++) {
    ticks.push(...[1, 2, 5].map((digit) => digit * 10 ** power));
  }
  const from = ticks.findLastIndex((tick) => tick <= least);
  const to = ticks.findIndex((tick) => tick >= most);
  const shown = ticks.slice(Math.max(0, from), Math.max(to, from + 1) + 1);
  const [low, high] = [Math.log(shown[0]!), Math.log(shown.at(-1)!)];
  return { ticks: shown, place: (value) => (Math.log(value) - low) / (high - low) };
}

/** 1, 2 or 5 times a power of ten, at or above a value. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = [1, 2, 5].find((candidate) => candidate * power >= value * (1 - 1e-9));
  return (digit ?? 10) * power;
}
