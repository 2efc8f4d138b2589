import { code, markdownTable } from '../markdown.js';
import type { FieldType, MessageType } from './field-type.js';
import { MODEL_CONFIG } from './model-fields.js';

/** The page on repositories of Triton: model-repo/TRITON.md. */
export function tritonReference(): string {
  const parts = [
    '# config.pbtxt',
    'A model repository of Triton is served as it is. A directory with a `config.pbtxt` and no `config.yaml` is read by ' +
      'it: the model is served as tensors, over `inference.GRPCInferenceService`, under the names and shapes that the file ' +
      'declares. Where both are there, `config.yaml` counts, and a warning says so. With `--model-control-mode poll` both are followed.',
    'What runs: ONNX files (`platform: "onnxruntime_onnx"`, `backend: "onnxruntime"`), ensembles, and models of TensorRT ' +
      '(`platform: "tensorrt_plan"`, `backend: "tensorrt"`) whose ONNX file is there. A plan only loads on the GPU and the ' +
      'version of TensorRT that it was built for, and is not read: put the ONNX file that it was built from beside it, as ' +
      '`NAME/VERSION/model.onnx`. They run on a GPU where there is one and TensorRT takes them, else on the CPU. Any other platform makes the model UNAVAILABLE with ' +
      '`MODEL_INVALID`; the other models of the repository serve.',
    'Declared inputs and outputs are checked against the model file when it is loaded, and a message tells what was ' +
      'expected and what was found. Fields that do not exist, and values of a wrong type, are errors with line and column, ' +
      'as they are in Triton. A field that is not read, and says something, is a warning in the log of the server: ' +
      '`model`, `place` (file, line, column), `field` and `instead`.',
    'Requests share a batch whenever an instance has to be waited for and their shapes are equal, also without ' +
      '`dynamic_batching`, which adds to that how long to wait for company. Where `max_batch_size` is 0, nothing is batched. ' +
      'Where inputs or outputs are not declared and `max_batch_size` is 0 or left out, the model file decides: there is a ' +
      'batch where the first dimension of every tensor is open.',
    markdownTable(['Field', 'Read', 'What becomes of it'], rows(MODEL_CONFIG, '')),
    '_Written by `make docs` from `server/config/triton/`._',
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Fields that have something to say for themselves. */
function rows({ fields }: MessageType, parent: string): string[][] {
  return Object.entries(fields).flatMap(([name, field]) => {
    if (field.note === null) return [];
    const path = `${parent}${name}${{ one: '', list: '[]', map: '{}' }[field.many]}`;
    const { isRead, text } = field.note;
    const own = text === '' ? [] : [[code(path), isRead ? 'yes' : 'no', text]];
    return isRead ? [...own, ...inner(field.type, `${path}.`)] : own;
  });
}

function inner(type: FieldType['type'], parent: string): string[][] {
  return typeof type === 'object' && 'fields' in type ? rows(type, parent) : [];
}
