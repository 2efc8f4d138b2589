import { InvalidArgumentError } from 'commander';

/** A flag's text as a number from 0 to 1. */
export function parseFraction(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}
