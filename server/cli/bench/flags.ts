import { InvalidArgumentError } from 'commander';

/** A sweep longer than this is a slip of the pen. */
const MOST_STEPS = 1000;

/** A flag's text as a whole number, at least 1. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a whole number, at least 1.');
}

/** `1,8,32`, or `start:end:step` with `end` among them where a step meets it. */
export function parseCounts(text: string): number[] {
  return sweep(text, parseCount);
}

/** A flag's text as a number above 0. */
export function parsePositive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

/** As `parseCounts`, of numbers above 0. */
export function parseRates(text: string): number[] {
  return sweep(text, parsePositive);
}

function sweep(text: string, parse: (part: string) => number): number[] {
  if (!text.includes(':')) return text.split(',').map((part) => parse(part.trim()));
  const [start, end, step, ...rest] = text.split(':').map((part) => parse(part.trim()));
  if (start === undefined || end === undefined || step === undefined || rest.length > 0 || end < start) {
    throw new InvalidArgumentError('A range is start:end:step, upwards.');
  }
  // A step of 0.1 must not lose the end to rounding.
  const steps = Math.floor((end - start) / step + 1e-9);
  if (steps >= MOST_STEPS) throw new InvalidArgumentError(`A range has at most ${MOST_STEPS} steps.`);
  return Array.from({ length: steps + 1 }, (_, index) => start + index * step);
}

/** `name:1,3,320,320`, gathered over all uses of the flag. */
export function parseShape(text: string, known: ReadonlyMap<string, readonly number[]> = new Map()) {
  const colon = text.lastIndexOf(':');
  if (colon < 1) throw new InvalidArgumentError('It must be the name of an input and its sides: name:1,3,320,320.');
  return new Map([
    ...known,
    [
      text.slice(0, colon),
      text
        .slice(colon + 1)
        .split(',')
        .map(parseCount),
    ],
  ]);
}
