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
