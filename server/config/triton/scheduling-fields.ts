import { ignored, list, map, message, names, oneOf, read } from './field-type.js';
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

const CONTROL_KIND = names(
  'CONTROL_SEQUENCE_START',
  'CONTROL_SEQUENCE_READY',
  'CONTROL_SEQUENCE_END',
  'CONTROL_SEQUENCE_CORRID',
);

const CONTROL = message({
  kind: read(CONTROL_KIND, 'As it is; an input has one.'),
  int32_false_true: list(read('int32', 'As it is.')),
  fp32_false_true: list(read('float', 'As it is.')),
  bool_false_true: list(read('bool', 'As it is.')),
  data_type: read(DATA_TYPE, 'As it is.'),
});

const INITIAL_STATE = message({
  data_type: read(DATA_TYPE, 'As it is.'),
  dims: list(read('int64', 'As it is.')),
  zero_data: oneOf('state_data', read('bool', 'As it is.')),
  data_file: oneOf('state_data', read('string', 'As it is.')),
  name: read('string', 'Without a meaning here.'),
});

const STATE = message({
  input_name: read('string', 'As it is.'),
  output_name: read('string', 'As it is.'),
  data_type: read(DATA_TYPE, 'As it is.'),
  dims: list(read('int64', 'As it is.')),
  initial_state: list(read(INITIAL_STATE, 'As it is; left out: zeros.')),
  use_same_buffer_for_input_output: ignored(
    'bool',
    'A state that comes is another buffer than the one that was given.',
  ),
  use_growable_memory: ignored('bool', 'A state may grow with each request.'),
});

export const SEQUENCE_BATCHING = message({
  direct: oneOf(
    'strategy_choice',
    read(
      message({
        max_queue_delay_microseconds: read('uint64', 'As it is.'),
        minimum_slot_utilization: read('float', 'As it is.'),
      }),
      '',
    ),
  ),
  oldest: oneOf(
    'strategy_choice',
    read(
      message({
        max_candidate_sequences: read('int32', 'As it is; 0: max_batch_size, or 1.'),
        preferred_batch_size: list(read('int32', 'As it is.')),
        max_queue_delay_microseconds: read('uint64', 'As it is.'),
        preserve_ordering: read('bool', 'As it is.'),
      }),
      '',
    ),
  ),
  max_sequence_idle_microseconds: read('uint64', 'As it is; 0: a second.'),
  control_input: list(read(message({ name: read('string', 'As it is.'), control: list(read(CONTROL, '')) }), '')),
  state: list(read(STATE, '')),
  iterative_sequence: ignored('bool', 'Each request is executed once.'),
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
