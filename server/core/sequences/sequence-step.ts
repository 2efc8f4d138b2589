import { quoted, ServingError } from '../errors.js';
import type { Tensor } from '../tensors.js';
import type { SequenceConfig } from './sequence-config.js';

/** Numbers and texts are different ids, also where they look alike. */
export type SequenceId = bigint | string;

/** What a request says of the sequence that it belongs to. */
export interface AskedSequence {
  readonly id: SequenceId;
  readonly start: boolean;
  readonly end: boolean;
}

/** What a sequence keeps from one request to the next. */
export class SequenceMemory {
  /** Named as the inputs that they become; null: none of its requests has been answered. */
  states: readonly Tensor[] | null = null;
  /** Requests whose keys differ have states that cannot share a batch. */
  key = '';
}

/** The place of a request in its sequence; one a request. */
export class SequenceStep implements AskedSequence {
  readonly id: SequenceId;
  readonly start: boolean;
  readonly end: boolean;
  /** That of its sequence, once it is queued. */
  memory = new SequenceMemory();
  /** Row of the batch that it has to have, once the batch is cut; null: any. */
  row: number | null = null;

  constructor({ id, start, end }: AskedSequence) {
    this.id = id;
    this.start = start;
    this.end = end;
  }

  /** Equal for the requests of a sequence. */
  get key(): string {
    return keyOf(this.id);
  }
}

export function keyOf(id: SequenceId): string {
  return typeof id === 'string' ? `"${id}` : String(id);
}

/** As messages show it. */
export function sequenceText(id: SequenceId): string {
  return typeof id === 'string' ? quoted(id) : String(id);
}

/** Bytes of an id that is a text. */
const MOST_ID_BYTES = 128;

const RANGES: Readonly<Record<string, readonly [least: bigint, most: bigint]>> = {
  TYPE_UINT64: [0n, 2n ** 64n - 1n],
  TYPE_INT64: [-(2n ** 63n), 2n ** 63n - 1n],
  TYPE_UINT32: [0n, 2n ** 32n - 1n],
  TYPE_INT32: [-(2n ** 31n), 2n ** 31n - 1n],
};

/**
 * The place of a request for a model with sequences. `asked`: what it says of them; null: nothing. Throws INVALID_REQUEST
 * where the model cannot take it.
 */
export function sequenceStep(
  name: string,
  { control_input: controls }: SequenceConfig,
  asked: AskedSequence | null,
  rows: number,
): SequenceStep {
  if (asked === null) {
    throw invalid(`model ${name} keeps state between requests (sequence_batching): send a sequence_id with each`);
  }
  const { id } = asked;
  if (rows !== 1)
    throw invalid(`a request of a sequence has one row, and this one has ${rows}; send one after the other`);
  if (typeof id === 'string' && Buffer.byteLength(id) > MOST_ID_BYTES) {
    throw invalid(`a sequence_id has at most ${MOST_ID_BYTES} bytes`);
  }
  const type = controls.flatMap(({ control }) => control).find(({ data_type: of }) => of !== undefined)?.data_type;
  if (type !== undefined && type !== 'TYPE_STRING') {
    const [least, most] = RANGES[type]!;
    if (typeof id === 'string' || id < least || id > most) {
      throw invalid(`sequence_id ${sequenceText(id)} is no ${type.slice(5)}, as which model ${name} takes it`);
    }
  }
  return new SequenceStep(asked);
}

function invalid(message: string): ServingError {
  return new ServingError('INVALID_REQUEST', message);
}
