import test, { type ExecutionContext } from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { parseConfigPbtxt } from '../../server/config/triton/config-pbtxt.js';

/** What becomes of Triton's configuration. */

const FILE = 'repo/net/config.pbtxt';

const TENSORS = `input { name: "x" data_type: TYPE_FP32 dims: [ 3, -1 ] }
output { name: "y" data_type: TYPE_FP32 dims: 4 }
`;

const ONNX = `platform: "onnxruntime_onnx"\n${TENSORS}`;

function config(text: string) {
  return parseConfigPbtxt(text, FILE).config;
}

/** Line, column, field and what happens instead, of each warning. */
function warnings(text: string): string[] {
  return parseConfigPbtxt(text, FILE).warnings.map(
    ({ place, path, instead }) => `${place.replace(`${FILE}:`, '')} ${path}: ${instead}`,
  );
}

function refusal(t: ExecutionContext, text: string): ServingError {
  const error = t.throws(() => parseConfigPbtxt(text, FILE), { instanceOf: ServingError });
  return error;
}

test("Triton's first example is read as it is", (t) => {
  const text = `
name: "net"
platform: "onnxruntime_onnx"
max_batch_size : 0
input [
  {
    name: "data_0"
    data_type: TYPE_FP32
    format: FORMAT_NCHW
    dims: [ 3, 224, 224 ]
    reshape { shape: [ 1, 3, 224, 224 ] }
  }
]
output [
  {
    name: "fc6_1"
    data_type: TYPE_FP32
    dims: [ 1000 ]
    reshape { shape: [ 1, 1000, 1, 1 ] }
    label_filename: "labels.txt"
  }
]`;
  t.like(config(text), {
    task: 'tensors',
    batch_dimension: false,
    default_model_filename: 'model.onnx',
    tensors: {
      input: [{ name: 'data_0', data_type: 'TYPE_FP32', dims: [3, 224, 224], reshape: { shape: [1, 3, 224, 224] } }],
      output: [
        {
          name: 'fc6_1',
          data_type: 'TYPE_FP32',
          dims: [1000],
          reshape: { shape: [1, 1000, 1, 1] },
          label_filename: 'labels.txt',
        },
      ],
    },
  });
  t.deepEqual(warnings(text), ['9:5 input[0].format: The dimensions say all that is needed.']);
});

test('an empty file leaves everything to the model file', (t) => {
  const { task, batch_dimension: batch, tensors } = config('');
  t.is(task, 'tensors');
  t.is(batch, null);
  t.deepEqual(tensors, { input: [], output: [] });
  t.is(config('max_batch_size: 0').batch_dimension, null);
  t.is(config(`max_batch_size: 0 ${TENSORS}`).batch_dimension, false);
  t.like(config(`max_batch_size: 16 ${TENSORS}`), { batch_dimension: true, max_batch_size: 16 });
});

test('a batch has a limit of ours, which is warned of', (t) => {
  t.is(config('max_batch_size: 5000').max_batch_size, 1024);
  t.deepEqual(warnings('max_batch_size: 5000'), [
    '1:1 max_batch_size: 1024 is the most: requests of more rows are refused.',
  ]);
  t.regex(
    refusal(t, 'max_batch_size: -1').message,
    /:1:1: max_batch_size: expected a whole number from 0 to 1024, found -1/,
  );
});

test('platform and backend decide what runs, and others are refused by name', (t) => {
  for (const text of ['backend: "onnxruntime"', 'backend: "tensorrt"', 'platform: "tensorrt_plan"', '']) {
    t.is(config(text).task, 'tensors');
  }
  const pytorch = refusal(t, '\nplatform: "pytorch_libtorch"');
  t.is(pytorch.code, 'MODEL_INVALID');
  t.is(
    pytorch.message,
    `${FILE}:2:1: platform: pytorch_libtorch is not served here; what is: onnxruntime_onnx, tensorrt_plan, ensemble`,
  );
  t.regex(
    refusal(t, 'backend: "python"').message,
    /backend: python is not served here; what is: onnxruntime, tensorrt$/,
  );
  t.is(refusal(t, 'default_model_filename: "model.pt"').code, 'MODEL_INVALID');
});

test('a plan stands for the ONNX file that it was built from', (t) => {
  t.is(config('platform: "tensorrt_plan"').default_model_filename, 'model.onnx');
  t.is(config('platform: "tensorrt_plan" default_model_filename: "net.plan"').default_model_filename, 'net.onnx');
});

test('another name than that of the directory is warned of', (t) => {
  t.deepEqual(warnings('\n  name: "other"'), ['2:3 name: The model is called net, as its directory is.']);
  t.deepEqual(warnings('name: "net"'), []);
});

test('version policies are the same', (t) => {
  t.deepEqual(config('version_policy { all {} }').version_policy, { all: {} });
  t.deepEqual(config('version_policy: { latest: { num_versions: 3 } }').version_policy, {
    latest: { num_versions: 3 },
  });
  t.deepEqual(config('version_policy { specific { versions: [1, 4] } }').version_policy, {
    specific: { versions: [1, 4] },
  });
  t.deepEqual(config('').version_policy, { latest: { num_versions: 1 } });
});

test('batching is the same, with no limit on requests where none is named', (t) => {
  const text = `max_batch_size: 8
dynamic_batching {
  preferred_batch_size: [ 4, 8 ]
  max_queue_delay_microseconds: 100
  preserve_ordering: true
  priority_levels: 2
  default_priority_level: 2
  default_queue_policy { default_timeout_microseconds: 5000 max_queue_size: 7 allow_timeout_override: true }
}`;
  t.like(config(text).dynamic_batching, {
    preferred_batch_size: [4, 8],
    max_queue_delay_microseconds: 100,
    preserve_ordering: true,
    priority_levels: 2,
    default_priority_level: 2,
    default_queue_policy: { default_timeout_microseconds: 5000, max_queue_size: 7 },
  });
  t.deepEqual(warnings(text), []);
  t.is(config('dynamic_batching {}').dynamic_batching.default_queue_policy.max_queue_size, 0);
  t.is(config('').dynamic_batching.default_queue_policy.max_queue_size, 0);
});

test('what batching does not do is warned of', (t) => {
  t.deepEqual(
    warnings(`dynamic_batching {
  priority_levels: 20
  default_queue_policy { timeout_action: DELAY }
  priority_queue_policy { key: 1 value { max_queue_size: 2 } }
}`),
    [
      '4:3 dynamic_batching.priority_queue_policy: All priorities share default_queue_policy.',
      '2:3 dynamic_batching.priority_levels: 16 is the most: later priorities count as 16.',
      '3:26 dynamic_batching.default_queue_policy.timeout_action: What waits too long is refused.',
    ],
  );
});

test('one group of instances is the same', (t) => {
  const { instance_group: group } = config('instance_group [ { count: 2 kind: KIND_AUTO gpus: [ 1, 0 ] } ]');
  t.like(group, { count: 2, kind: 'KIND_AUTO', gpus: [1, 0] });
  t.like(config('instance_group { kind: KIND_CPU }').instance_group, { count: undefined, kind: 'KIND_CPU' });
  t.is(config('').instance_group.kind, 'KIND_AUTO');
});

test('several groups become one, and what is lost with that is warned of', (t) => {
  const cpu = 'instance_group [ { count: 2 kind: KIND_CPU }, { count: 3 kind: KIND_CPU } ]';
  t.like(config(cpu).instance_group, { count: 5, kind: 'KIND_CPU' });
  t.deepEqual(warnings(cpu), []);

  const gpus = 'instance_group [ { count: 2 gpus: 0 }, { count: 2 gpus: [ 1, 2 ] } ]';
  t.like(config(gpus).instance_group, { count: 2, kind: 'KIND_AUTO', gpus: [0, 1, 2] });
  t.deepEqual(warnings(gpus), []);

  const uneven = 'instance_group [ { count: 1 gpus: 0 }, { count: 2 gpus: 1 } ]';
  t.like(config(uneven).instance_group, { count: 2, gpus: [0, 1] });
  t.deepEqual(warnings(uneven), ['1:1 instance_group: Every GPU gets the same number of instances: 2.']);

  const mixed = 'instance_group [ { count: 4 kind: KIND_CPU }, { count: 1 kind: KIND_AUTO } ]';
  t.like(config(mixed).instance_group, { count: 1, kind: 'KIND_AUTO' });
  t.deepEqual(warnings(mixed), [
    '1:1 instance_group: Instances are of one kind: only the groups of KIND_AUTO are made.',
  ]);
});

test('a model that insists on GPUs is served all the same', (t) => {
  const text = 'instance_group { kind: KIND_GPU count: 2 }';
  t.like(config(text).instance_group, { kind: 'KIND_AUTO', count: 2 });
  t.deepEqual(warnings(text), [
    '1:18 instance_group[0].kind: KIND_AUTO: on the CPU where there is no GPU, or TensorRT does not take the model.',
  ]);
});

test('what instances have not is warned of', (t) => {
  const text = `instance_group [
  { name: "a" kind: KIND_MODEL passive: true profile: [ "0" ] host_policy: "p" }
]`;
  t.is(config(text).instance_group.kind, 'KIND_AUTO');
  t.deepEqual(
    warnings(text).map((line) => line.split(':', 3).slice(0, 2).join(':')),
    [
      '2:5 instance_group[0].name',
      '2:32 instance_group[0].passive',
      '2:46 instance_group[0].profile',
      '2:63 instance_group[0].host_policy',
      '2:15 instance_group[0].kind',
    ],
  );
});

test('on GPUs a model of ONNX Runtime computes in fp32, unless its accelerator says otherwise', (t) => {
  t.is(config('').tensorrt.precision, 'fp32');
  const accelerated = `optimization { execution_accelerators { gpu_execution_accelerator [ {
  name: "tensorrt"
  parameters { key: "precision_mode" value: "FP16" }
  parameters { key: "max_workspace_size_bytes" value: "1073741824" }
  parameters { key: "trt_engine_cache_enable" value: "1" }
  parameters { key: "trt_cuda_graph_enable" value: "false" }
} ] } }`;
  t.like(config(accelerated).tensorrt, { precision: 'fp16', workspace_bytes: 1073741824, cuda_graphs: false });
  t.deepEqual(warnings(accelerated), [
    '2:3 optimization.execution_accelerators.gpu_execution_accelerator[0].name: Models of tensors run on the CPU.',
  ]);
  const others = `optimization { cuda { graphs: false busy_wait_events: true } execution_accelerators {
  gpu_execution_accelerator { name: "tensorrt" parameters { key: "precision_mode" value: "BF16" } parameters { key: "z" } }
  gpu_execution_accelerator { name: "cuda" }
  cpu_execution_accelerator { name: "openvino" }
} }`;
  t.like(config(others).tensorrt, { precision: 'fp32', cuda_graphs: false });
  t.deepEqual(
    warnings(others).map((line) => line.replace(/^\S+ optimization\./, '').replace(/execution_accelerators?/g, '…')),
    [
      'cuda.busy_wait_events: A thread sleeps while it waits for the GPU.',
      "….cpu_…: ONNX Runtime's own kernels run on the CPU.",
      '….gpu_…[0].name: Models of tensors run on the CPU.',
      '….gpu_…[0].parameters.precision_mode: Plans compute in fp32, not in BF16.',
      '….gpu_…[0].parameters.z: It has no effect.',
      '….gpu_…[1].name: Nothing but TensorRT runs models on GPUs.',
    ],
  );
});

test('threads and warm-ups are taken over, and parameters without an effect are warned of', (t) => {
  const text = `max_batch_size: 4
parameters { key: "intra_op_thread_count" value { string_value: "3" } }
parameters { key: "execution_mode" value { string_value: "1" } }
model_warmup { name: "w" batch_size: 4 inputs { key: "x" value { dims: 3 data_type: TYPE_FP32 random_data: true } } }`;
  t.is(config(text).instance_group.intra_op_thread_count, 3);
  t.deepEqual(config(text).model_warmup, [{ batch_size: 4, count: 1 }]);
  t.deepEqual(warnings(text), [
    '4:40 model_warmup[0].inputs: The warm-up runs on zeros.',
    '2:1 parameters.execution_mode: It has no effect.',
  ]);
});

test('what is said as it would be without saying so is not warned of', (t) => {
  t.deepEqual(
    warnings(`model_transaction_policy { decoupled: false } optimization {
  priority: PRIORITY_DEFAULT eager_batching: false input_pinned_memory {} cuda { busy_wait_events: false } }`),
    [],
  );
  t.is(warnings('model_transaction_policy { decoupled: true }').length, 1);
  t.true(config('response_cache { enable: true }').response_cache.enable);
});

test('the rate limiter of the first group is that of the model', (t) => {
  const limiter = (priority: number) =>
    `rate_limiter { resources { name: "R" global: true count: 2 } priority: ${priority} }`;
  const group = (text: string) => `instance_group { kind: KIND_CPU count: 1 ${text} }\n`;
  const resources = [{ name: 'R', global: true, count: 2 }];
  t.deepEqual(config(group(limiter(0))).instance_group.rate_limiter, { resources, priority: 1 });
  t.deepEqual(config(group('')).instance_group.rate_limiter, { resources: [], priority: 1 });
  const two = group(limiter(3)) + group(limiter(4));
  t.deepEqual(config(two).instance_group.rate_limiter, { resources, priority: 3 });
  t.deepEqual(warnings(two), ['2:42 instance_group[1].rate_limiter: That of the first group counts for all.']);
  t.deepEqual(warnings(group(limiter(3)) + group(limiter(3))), []);
});

test('every mistake is told with its line and column', (t) => {
  const error = refusal(t, 'max_batch_sise: 8\ninput {\n  data_type: FP32\n  dims: "3"\n}');
  t.is(error.code, 'CONFIG_INVALID');
  const [title, ...lines] = error.message.split('\n');
  t.is(title, `${FILE} has 3 problems:`);
  t.is(lines[0], `  ${FILE}:1:1: max_batch_sise: there is no such field (did you mean max_batch_size?)`);
  t.regex(
    lines[1]!,
    /^ {2}\S+:3:14: input\[0\]\.data_type: expected one of .*, found FP32 \(did you mean TYPE_FP32\?\)$/,
  );
  t.regex(lines[2]!, /:4:9: input\[0\]\.dims\[0\]: expected a whole number .*, found the text "3"$/);
  t.is(refusal(t, 'name: "net\n').message, `${FILE} has a problem:\n  ${FILE}:1:7: the string has no closing "`);
});

test('what our own rules refuse is told in the words of the file', (t) => {
  t.regex(
    refusal(t, 'max_batch_size: 4\ndynamic_batching { preferred_batch_size: [ 2,\n 8 ] }').message,
    /:3:2: dynamic_batching\.preferred_batch_size\[1\]: 8 is over max_batch_size, which is 4$/,
  );
  t.regex(
    refusal(t, `${ONNX}\ninput { name: "z"\n dims: -2 data_type: TYPE_BOOL }`).message,
    /:6:8: input\[1\]\.dims\[0\]: /,
  );
  t.regex(
    refusal(t, 'input { name: "x" data_type: TYPE_FP32 dims: [ 6 ] reshape { shape: [ 2, 2 ] } }').message,
    /:1:\d+: input\[0\]\.reshape\.shape: \[2, 2\] has other elements than dims, which is \[6\]$/,
  );
  t.regex(refusal(t, 'instance_group { kind: KIND_CPU gpus: 0 }').message, /instance_group\[0\]\.gpus: has no meaning/);
});

const ENSEMBLE = `platform: "ensemble"
max_batch_size: 2
${TENSORS}ensemble_scheduling {
  step [
    {
      model_name: "a"
      model_version: -1
      input_map { key: "IN" value: "x" }
      output_map { key: "OUT" value: "between" }
    },
    {
      model_name: "b"
      model_version: 3
      input_map { key: "IN" value: "between" }
      output_map { key: "OUT" value: "y" }
    }
  ]
  max_inflight_requests: 5
}`;

test('an ensemble has the same steps', (t) => {
  t.like(config(ENSEMBLE), {
    task: 'ensemble',
    max_batch_size: 2,
    ensemble_scheduling: {
      step: [
        { model_name: 'a', model_version: -1, input_map: { IN: 'x' }, output_map: { OUT: 'between' } },
        { model_name: 'b', model_version: 3, input_map: { IN: 'between' }, output_map: { OUT: 'y' } },
      ],
      max_inflight_requests: 5,
    },
  });
  t.deepEqual(warnings(ENSEMBLE), []);
  t.is(config(ENSEMBLE.replace('platform: "ensemble"', '')).task, 'ensemble');
});

test('what is wrong with the graph of an ensemble is told with its step', (t) => {
  t.regex(
    refusal(t, ENSEMBLE.replace('value: "x"', 'value: "q"')).message,
    /:10:7: ensemble_scheduling\.step\[0\]\.input_map\.IN: nothing makes tensor q; there are x, between, y$/,
  );
  t.regex(
    refusal(t, ENSEMBLE.replace('value: "x"', 'value: "y"')).message,
    /steps must not wait for one another in a circle: step \d \(model [ab]\) -> step \d \(model [ab]\) -> step/,
  );
  t.regex(
    refusal(t, ENSEMBLE.replace('value: "between" }\n    },', 'value: "y" }\n    },')).message,
    /step\[1\]\.output_map\.OUT: tensor y comes from step 1 \(model a\) already/,
  );
  t.regex(
    refusal(t, ENSEMBLE.replace('value: "y"', 'value: "z"')).message,
    /output\[0\]\.name: no step makes tensor y: map an output of a model to it/,
  );
});

test('a model outside the two is told apart from a mistake in the file', (t) => {
  t.is(refusal(t, 'platform: "custom"').code, 'MODEL_INVALID');
  t.is(refusal(t, 'platform: custom').code, 'CONFIG_INVALID');
});

function overridden(text: string, override: string) {
  return parseConfigPbtxt(text, FILE, override).config;
}

test("protobuf's JSON stands in place of fields of the file", (t) => {
  const json = JSON.stringify({
    max_batch_size: 4,
    input: [],
    instanceGroup: [{ kind: 'KIND_CPU', count: 3 }],
    parameters: { intra_op_thread_count: { string_value: '2' } },
    versionPolicy: { specific: { versions: ['2', 3] } },
    dynamic_batching: { max_queue_delay_microseconds: '100', preserve_ordering: true, defaultQueuePolicy: null },
  });
  const config = overridden(`${ONNX}max_batch_size: 16\ninstance_group { count: 1 }`, json);
  t.like(config, {
    max_batch_size: 4,
    version_policy: { specific: { versions: [2, 3] } },
    instance_group: { kind: 'KIND_CPU', count: 3, intra_op_thread_count: 2 },
    dynamic_batching: { max_queue_delay_microseconds: 100, preserve_ordering: true },
  });
  t.deepEqual(config.tensors!.input, []);
  t.is(config.tensors!.output.length, 1);
  t.like(overridden(ONNX, '{ "input": [{ "name": "z", "data_type": 9, "dims": ["7", -1] }] }').tensors!.input, [
    { name: 'z', data_type: 'TYPE_INT64', dims: [7, -1] },
  ]);
  t.like(
    overridden(
      ENSEMBLE,
      JSON.stringify({
        ensembleScheduling: { step: [{ modelName: 'c', inputMap: { Q: 'x' }, outputMap: { R: 'y' } }] },
      }),
    ),
    { ensemble_scheduling: { step: [{ model_name: 'c', input_map: { Q: 'x' }, output_map: { R: 'y' } }] } },
  );
});

test('what is wrong with the JSON is told', (t) => {
  const why = (override: string) => t.throws(() => overridden(ONNX, override), { instanceOf: ServingError }).message;
  t.regex(why('{'), /given in place of the file's is no JSON/);
  t.regex(why('[]'), /must be a JSON object, not a list of 0/);
  t.regex(why('{ "maxBatch": 1 }'), /max_batch: there is no such field \(did you mean max_batch_size\?\)/);
  t.regex(why('{ "max_batch_size": "many" }'), /max_batch_size: expected a whole number .*, found many/);
  t.regex(why('{ "name": 5 }'), /name: expected a text in quotes, found 5/);
  t.regex(why('{ "parameters": [1] }'), /parameters: expected a message, \{ \.\.\. \}, found 1/);
  t.regex(why('{ "input": "x" }'), /input\[0\]: expected a message/);
});
