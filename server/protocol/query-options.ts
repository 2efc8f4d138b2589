import { quoted, ServingError } from '../core/errors.js';
import type { TaskKind } from '../core/tasks.js';

/** What may be asked of models that look at pictures. */
export type PictureKind = Exclude<TaskKind, 'infer'>;

/** Options of a request as text: name and value of each, as a URL has them. */
export type Query = Readonly<Record<string, string>>;

/** What a query may ask for; undefined: the default. */
export interface QueryOptions {
  /** Milliseconds from arrival. */
  readonly timeout_ms?: number;
  readonly priority?: number;
  readonly score_threshold?: number;
  readonly nms_threshold?: number;
  readonly class_ids?: number[];
  readonly max_detections?: number;
  readonly top_k?: number;
  readonly probability_map?: boolean;
}

type OptionName = keyof QueryOptions;

/** How the text of an option is read; undefined: it cannot be. */
const READERS: { readonly [N in OptionName]-?: (text: string) => QueryOptions[N] } = {
  timeout_ms: number,
  priority: integer,
  score_threshold: number,
  nms_threshold: number,
  class_ids: integers,
  max_detections: integer,
  top_k: integer,
  probability_map: boolean,
};

const OF_FRAMES: readonly OptionName[] = ['timeout_ms', 'priority'];

/** The options that a query may name, by what is asked of the model. */
const QUERY_OPTIONS: Readonly<Record<PictureKind, readonly OptionName[]>> = {
  detect: ['score_threshold', 'nms_threshold', 'class_ids', 'max_detections', ...OF_FRAMES],
  embed: OF_FRAMES,
  classify: ['top_k', 'score_threshold', ...OF_FRAMES],
  segment: ['probability_map', ...OF_FRAMES],
};

/** Reads the options of a request. Throws INVALID_REQUEST for one that is not known, or is not what it should be. */
export function readQuery(kind: PictureKind, query: Query): QueryOptions {
  const known = QUERY_OPTIONS[kind];
  return Object.fromEntries(
    Object.entries(query).map(([given, text]) => {
      const name = known.find((option) => option === given);
      if (name === undefined) {
        throw new ServingError('INVALID_REQUEST', `option ${quoted(given)} is none of ${known.join(', ')}`);
      }
      const value = READERS[name](text);
      if (value === undefined) throw new ServingError('INVALID_REQUEST', `option ${name} cannot be ${quoted(text)}`);
      return [name, value];
    }),
  );
}

function number(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** As the protocol's uint32. */
function integer(text: string): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return value < 2 ** 32 ? value : undefined;
}

/** Between commas. */
function integers(text: string): number[] | undefined {
  const values = text.split(',').map(integer);
  return values.includes(undefined) ? undefined : (values as number[]);
}

function boolean(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}
