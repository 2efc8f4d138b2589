import type { OptionType } from './option-types.js';

/** One option of `sluice serve`: a flag, a variable of the environment, a default. */
export interface ServerOption<T = unknown> {
  readonly type: OptionType<T>;
  readonly default: T;
  /** Stands for the default in the documentation where the value depends on the machine or explains itself badly. */
  readonly defaultText?: string;
  /** Whether the flag adds up when it is repeated, instead of the last one counting. */
  readonly repeatable?: boolean;
  readonly description: string;
}

/** A row of the table. */
export function option<T>(type: OptionType<T>, rest: Omit<ServerOption<NoInfer<T>>, 'type'>): ServerOption<T> {
  return { type, ...rest };
}
