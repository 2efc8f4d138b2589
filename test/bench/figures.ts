/** The middle of the values; the mean of the two in the middle where their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}

/** `values[i] / divisors[i]`: what a pair of measurements taken side by side has in common drops out. */
export function ratios(values: readonly number[], divisors: readonly number[]): number[] {
  return values.map((value, index) => value / divisors[index]!);
}

/** Four significant digits: more is noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/**
 * Answers a second: the slope of the line that fits best to the count of answers over time. Answers come in bursts of a
 * batch; counting them between two moments would be wrong by up to a batch.
 */
export function rate(answeredAt: readonly number[]): number {
  const meanAt = answeredAt.reduce((sum, at) => sum + at, 0) / answeredAt.length;
  const meanIndex = (answeredAt.length - 1) / 2;
  let covariance = 0;
  let variance = 0;
  answeredAt.forEach((at, index) => {
    covariance += (at - meanAt) * (index - meanIndex);
    variance += (at - meanAt) ** 2;
  });
  return variance === 0 ? 0 : (covariance / variance) * 1000;
}
