import { ignored, list, map, message, names, oneOf, part, read } from './field-type.js';
import { DYNAMIC_BATCHING, ENSEMBLE_SCHEDULING, SEQUENCE_BATCHING } from './scheduling-fields.js';
import { BATCH_INPUT, BATCH_OUTPUT, DATA_TYPE, INPUT, OUTPUT } from './tensor-fields.js';

const VERSION_POLICY = message({
  latest: oneOf('policy_choice', read(message({ num_versions: part('uint32') }), 'As it is.')),
  all: oneOf('policy_choice', read(message({}), 'As it is.')),
  specific: oneOf('policy_choice', read(message({ versions: list(part('int64')) }), 'As it is.')),
});

const GRAPH_SHAPE = message({ dim: list(part('int64')) });

const GRAPH_SPEC = message({
  batch_size: part('int32'),
  input: map(part(GRAPH_SHAPE)),
  graph_lower_bound: part(message({ batch_size: part('int32'), input: map(part(GRAPH_SHAPE)) })),
});

const PINNED_MEMORY = message({ enable: part('bool') });

const GPU_ACCELERATOR = message({
  name: read(
    'string',
    '`tensorrt`, for models on GPUs, which is warned of: models of tensors run on the CPU. Others are not read.',
  ),
  parameters: map(
    read(
      'string',
      'precision_mode, max_workspace_size_bytes, trt_builder_optimization_level, trt_auxiliary_streams, ' +
        'trt_cuda_graph_enable, trt_extra_plugin_lib_paths; others are warned of.',
    ),
  ),
});

const CPU_ACCELERATOR = message({ name: part('string'), parameters: map(part('string')) });

const OPTIMIZATION = message({
  graph: ignored(message({ level: part('int32') }), 'ONNX Runtime uses all its optimizations.'),
  priority: ignored(names('PRIORITY_DEFAULT', 'PRIORITY_MAX', 'PRIORITY_MIN'), 'All models have the same priority.'),
  cuda: read(
    message({
      graphs: read('bool', 'As it is; left out: graphs are used.'),
      busy_wait_events: ignored('bool', 'A thread sleeps while it waits for the GPU.'),
      graph_spec: list(ignored(GRAPH_SPEC, 'The graph of a batch size is recorded when it first comes.')),
      output_copy_stream: ignored('bool', 'Each instance has one stream; several instances overlap copies.'),
    }),
    '',
  ),
  execution_accelerators: read(
    message({
      gpu_execution_accelerator: list(read(GPU_ACCELERATOR, '')),
      cpu_execution_accelerator: list(ignored(CPU_ACCELERATOR, "ONNX Runtime's own kernels run on the CPU.")),
    }),
    '',
  ),
  input_pinned_memory: ignored(PINNED_MEMORY, 'Tensors go to the GPU through pinned memory.'),
  output_pinned_memory: ignored(PINNED_MEMORY, 'Tensors come from the GPU through pinned memory.'),
  gather_kernel_buffer_threshold: ignored('uint32', 'Inputs are gathered on the CPU.'),
  eager_batching: ignored('bool', 'A batch is cut when an instance is idle, never earlier.'),
});

const RATE_LIMITER = message({
  resources: list(read(message({ name: part('string'), global: part('bool'), count: part('uint32') }), 'As it is.')),
  priority: read('uint32', 'As it is; 0: 1.'),
});

const INSTANCE_GROUP = message({
  name: ignored('string', 'Instances are numbered.'),
  kind: read(
    names('KIND_AUTO', 'KIND_GPU', 'KIND_CPU', 'KIND_MODEL'),
    'As it is. KIND_GPU and KIND_MODEL are warned of and count as KIND_AUTO, which also serves on the CPU.',
  ),
  count: read('int32', 'As it is; left out: as config.yaml has it.'),
  rate_limiter: read(RATE_LIMITER, 'That of the first group; another one in a later group is warned of.'),
  gpus: list(read('int32', 'As it is.')),
  secondary_devices: list(
    ignored(message({ kind: part(names('KIND_NVDLA')), device_id: part('int64') }), 'Only GPUs and the CPU are used.'),
  ),
  profile: list(ignored('string', 'The profile that fits a batch best is chosen for it.')),
  passive: ignored('bool', 'All instances take requests.'),
  host_policy: ignored('string', 'The operating system places the threads.'),
});

const WARMUP_INPUT = message({
  data_type: part(DATA_TYPE),
  dims: list(part('int64')),
  zero_data: oneOf('input_data_type', part('bool')),
  random_data: oneOf('input_data_type', part('bool')),
  input_data_file: oneOf('input_data_type', part('string')),
});

const WARMUP = message({
  name: read('string', 'Without a meaning here.'),
  batch_size: read('uint32', 'As it is; 0: 1.'),
  inputs: map(ignored(WARMUP_INPUT, 'The warm-up runs on zeros.')),
  count: read('uint32', 'As it is; 0: 1.'),
});

const METRIC_CONTROL = message({
  metric_identifier: part(message({ family: part('string') })),
  histogram_options: oneOf('metric_options', part(message({ buckets: list(part('double')) }))),
});

const AGENT = message({ name: part('string'), parameters: map(part('string')) });

/** The message of a config.pbtxt: every field that Triton has. */
export const MODEL_CONFIG = message({
  name: read('string', 'Another one than that of the directory is warned of, which names the model.'),
  platform: read('string', '`onnxruntime_onnx`, `tensorrt_plan` or `ensemble`; the model is refused with any other.'),
  backend: read('string', '`onnxruntime` or `tensorrt`; the model is refused with any other.'),
  runtime: ignored('string', 'ONNX Runtime runs all models of tensors.'),
  version_policy: read(VERSION_POLICY, ''),
  max_batch_size: read('int32', 'As it is, up to 1024; more is warned of. 0: the model has no batch dimension.'),
  input: list(read(INPUT, '')),
  output: list(read(OUTPUT, '')),
  batch_input: list(ignored(BATCH_INPUT, 'Nothing fills the input: requests have to send it.')),
  batch_output: list(ignored(BATCH_OUTPUT, 'The output is answered like any other.')),
  optimization: read(OPTIMIZATION, ''),
  dynamic_batching: oneOf('scheduling_choice', read(DYNAMIC_BATCHING, '')),
  sequence_batching: oneOf('scheduling_choice', read(SEQUENCE_BATCHING, '')),
  ensemble_scheduling: oneOf('scheduling_choice', read(ENSEMBLE_SCHEDULING, '')),
  instance_group: list(read(INSTANCE_GROUP, 'Several become one group; what is lost with that is warned of.')),
  default_model_filename: read('string', 'As it is.'),
  cc_model_filenames: map(ignored('string', 'All devices run default_model_filename.')),
  metric_tags: map(ignored('string', "Metrics have the model's name and version.")),
  parameters: map(
    read(
      message({ string_value: part('string') }),
      '`intra_op_thread_count`; others are warned of: they have no effect.',
    ),
  ),
  model_warmup: list(read(WARMUP, '')),
  model_operations: read(
    message({ op_library_filename: list(part('string')) }),
    'Libraries for TensorRT. With ONNX Runtime they are warned of: only its own operators are there.',
  ),
  model_transaction_policy: read(message({ decoupled: ignored('bool', 'Each request gets one answer.') }), ''),
  model_repository_agents: ignored(message({ agents: list(part(AGENT)) }), 'The directory is read as it is.'),
  response_cache: read(message({ enable: read('bool', 'As it is.') }), ''),
  model_metrics: ignored(
    message({ metric_control: list(part(METRIC_CONTROL)) }),
    'Histograms have the buckets that REFERENCE.md lists.',
  ),
});
