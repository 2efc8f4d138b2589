import type { TritonConfig } from './reservations.js';

type Sequences = NonNullable<TritonConfig['sequence_batching']>;

/** How the requests of sequences are grouped; what is left out is as Triton has it. */
export function convertSequences({ sequence_batching: sequences }: TritonConfig): object {
  if (sequences === undefined) return {};
  const { direct, oldest, max_sequence_idle_microseconds: idle = 0 } = sequences;
  return {
    sequence_batching: {
      ...(direct === undefined ? {} : { direct }),
      ...(oldest === undefined ? {} : { oldest: convertOldest(oldest) }),
      ...(idle === 0 ? {} : { max_sequence_idle_microseconds: idle }),
      control_input: sequences.control_input.map(({ name, control }) => ({
        name,
        control: control.map(convertControl),
      })),
      state: sequences.state.map(convertState),
    },
  };
}

function convertOldest({ max_candidate_sequences: most = 0, ...oldest }: NonNullable<Sequences['oldest']>): object {
  return most === 0 ? oldest : { ...oldest, max_candidate_sequences: most };
}

/** What is not given is not there at all: a list that is left out is empty. */
function convertControl(control: Sequences['control_input'][number]['control'][number]): object {
  const { kind = 'CONTROL_SEQUENCE_START', data_type: type, ...pairs } = control;
  const given = Object.entries(pairs).filter(([, pair]) => pair.length > 0);
  return { kind, ...Object.fromEntries(given), ...(isSet(type) ? { data_type: type } : {}) };
}

function convertState(state: Sequences['state'][number]): object {
  const { input_name, output_name, data_type, dims } = state;
  const initial = state.initial_state.map(({ zero_data: zero, ...said }) => {
    // Whoever names it wants no file, whatever it says.
    return { ...said, ...(zero === undefined ? {} : { zero_data: true }) };
  });
  return { input_name, output_name, data_type, dims, initial_state: initial };
}

function isSet(type: string | undefined): boolean {
  return type !== undefined && type !== 'TYPE_INVALID';
}
