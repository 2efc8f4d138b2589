import type { Reservations, TritonConfig } from './reservations.js';

/** What becomes of a parameter of the accelerator `tensorrt`: keys of our own, or null for a value that means nothing. */
type Parameter = (value: string) => object | null;

const truth = (value: string): boolean | null =>
  ({ '1': true, true: true, '0': false, false: false })[value.toLowerCase()] ?? null;

const wholeNumber = (key: string): Parameter => {
  return (value) => (/^\d+$/.test(value) ? { [key]: Number(value) } : null);
};

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  precision_mode: (value) =>
    ({ FP32: { precision: 'fp32' }, FP16: { precision: 'fp16' }, INT8: { precision: 'int8' } })[value] ?? null,
  max_workspace_size_bytes: wholeNumber('workspace_bytes'),
  trt_builder_optimization_level: wholeNumber('optimization_level'),
  // -1 leaves it to TensorRT.
  trt_auxiliary_streams: (value) => (value === '-1' ? {} : wholeNumber('aux_streams')(value)),
  trt_cuda_graph_enable: (value) => (truth(value) === null ? null : { cuda_graphs: truth(value) }),
  trt_extra_plugin_lib_paths: (value) => ({ plugins: value.split(';').filter((file) => file !== '') }),
  // Plans are always kept.
  trt_engine_cache_enable: (value) => (truth(value) === true ? {} : null),
};

/**
 * How plans are built and run. ONNX Runtime computes in fp32 on GPUs unless the accelerator says otherwise, and so does
 * TensorRT here; a plan has a precision that only its maker knows.
 */
export function convertTensorRt(
  { optimization, model_operations: operations }: TritonConfig,
  isPlan: boolean,
  notes: Reservations,
): object {
  let keys: object = isPlan ? {} : { precision: 'fp32' };
  const graphs = optimization?.cuda?.graphs;
  if (graphs !== undefined) keys = { ...keys, cuda_graphs: graphs };
  const libraries = operations?.op_library_filename ?? [];
  if (libraries.length > 0 && isPlan) keys = { ...keys, plugins: libraries };
  else if (libraries.length > 0)
    notes.add(['model_operations', 'op_library_filename'], "Only ONNX Runtime's own operators are there.");
  optimization?.execution_accelerators?.gpu_execution_accelerator.forEach(({ name = '', parameters }, index) => {
    const at = ['optimization', 'execution_accelerators', 'gpu_execution_accelerator', index];
    if (name !== 'tensorrt') {
      notes.add([...at, 'name'], 'Nothing but TensorRT runs models on GPUs.');
      return;
    }
    for (const [key, value] of parameters) {
      const convert = Object.hasOwn(PARAMETERS, key) ? PARAMETERS[key] : undefined;
      const converted = convert?.(value) ?? null;
      if (converted === null) notes.add([...at, 'parameters', key], insteadOf(key, value));
      else keys = { ...keys, ...converted };
    }
  });
  return keys;
}

function insteadOf(key: string, value: string): string {
  if (key === 'precision_mode') return `Plans compute in fp32, not in ${value}.`;
  if (key.startsWith('trt_engine_cache')) return 'Plans are kept in the directory of --engine-cache.';
  return 'It has no effect.';
}
