import { ignored, list, map, message, names, oneOf, part, read } from './field-type.js';
import { DATA_TYPE } from './tensor-fields.js';

/** What a config.pbtxt says of how requests come to a model. */

const QUEUE_POLICY = message({
  timeout_action: read(names('REJECT', 'DELAY'), 'REJECT. DELAY is warned of: what waits too long is always refused.'),
  default_timeout_microseconds: read('uint64', 'As it is.'),
  allow_timeout_override: read('bool', 'A request may always shorten the time, and never lengthen it.'),
  max_queue_size: read('uint32', 'As it is; the bytes of a queue are limited as well.'),
});

export const DYNAMIC_BATCHING = message({
  preferred_batch_size: list(read('int32', 'As it is.')),
  max_queue_delay_microseconds: read('uint64', 'As it is.'),
  preserve_ordering: read('bool', 'As it is.'),
  priority_levels: read('uint64', 'As it is, up to 16; more are warned of.'),
  default_priority_level: read('uint64', 'As it is.'),
  default_queue_policy: read(QUEUE_POLICY, ''),
  priority_queue_policy: map(ignored(QUEUE_POLICY, 'All priorities share default_queue_policy.'), 'uint64'),
});

const CONTROL = message({
  kind: part(
    names('CONTROL_SEQUENCE_START', 'CONTROL_SEQUENCE_READY', 'CONTROL_SEQUENCE_END', 'CONTROL_SEQUENCE_CORRID'),
  ),
  int32_false_true: list(part('int32')),
  fp32_false_true: list(part('float')),
  bool_false_true: list(part('bool')),
  data_type: part(DATA_TYPE),
});

const INITIAL_STATE = message({
  data_type: part(DATA_TYPE),
  dims: list(part('int64')),
  zero_data: oneOf('state_data', part('bool')),
  data_file: oneOf('state_data', part('string')),
  name: part('string'),
});

const STATE = message({
  input_name: part('string'),
  output_name: part('string'),
  data_type: part(DATA_TYPE),
  dims: list(part('int64')),
  initial_state: list(part(INITIAL_STATE)),
  use_same_buffer_for_input_output: part('bool'),
  use_growable_memory: part('bool'),
});

export const SEQUENCE_BATCHING = message({
  direct: oneOf(
    'strategy_choice',
    part(message({ max_queue_delay_microseconds: part('uint64'), minimum_slot_utilization: part('float') })),
  ),
  oldest: oneOf(
    'strategy_choice',
    part(
      message({
        max_candidate_sequences: part('int32'),
        preferred_batch_size: list(part('int32')),
        max_queue_delay_microseconds: part('uint64'),
        preserve_ordering: part('bool'),
      }),
    ),
  ),
  max_sequence_idle_microseconds: part('uint64'),
  control_input: list(part(message({ name: part('string'), control: list(part(CONTROL)) }))),
  state: list(part(STATE)),
  iterative_sequence: part('bool'),
});

const STEP = message({
  model_name: read('string', 'A model of the repository.'),
  model_version: read('int64', 'As it is; -1, or left out: the newest that is ready.'),
  input_map: map(read('string', 'As it is.')),
  output_map: map(read('string', 'As it is.')),
  model_namespace: ignored('string', 'There is one repository, in which the name of the model is looked up.'),
});

export const ENSEMBLE_SCHEDULING = message({
  step: list(read(STEP, '')),
  max_inflight_requests: read('uint32', 'Requests of the ensemble that run at once; more of them wait in its queue.'),
});
