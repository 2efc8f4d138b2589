import type { TensorProto } from '../../gen/onnx/onnx.js';
import type { OnnxModel } from '../graph.js';
import { externalPlace, externalTensors } from '../model-file.js';
import { elementCount, elementSize } from '../tensor.js';
import type { DoctorContext, Observation } from './finding.js';

const about = { rule: 'R18', node: null, fixable: false } as const;

/** Part of R18: weights in other files, which the server does not read, and whether those files have them. */
export function checkExternalData(model: OnnxModel, { options }: DoctorContext): Observation[] {
  const outside = externalTensors(model);
  const [first] = outside;
  if (first === undefined) return [];
  const files = options.externalFiles ?? new Map<string, Uint8Array>();
  const broken = outside.map((tensor) => whatIsWrong(tensor, files)).find((problem) => problem !== null);
  const { location } = externalPlace(first);
  const isThere = broken === undefined;
  return [
    {
      ...about,
      severity: 'error',
      message: isThere
        ? `${outside.length} weights are kept in other files, '${first.name}' in '${location}'`
        : `${outside.length} weights are kept in other files: ${broken}`,
      why: isThere ? 'The server reads one file a model.' : 'The model cannot be loaded at all.',
      fix: isThere
        ? 'Export the model as one file (save_as_external_data=False).'
        : 'Put the file beside the model file, or fetch both again.',
    },
  ];
}

function whatIsWrong(tensor: TensorProto, files: ReadonlyMap<string, Uint8Array>): string | null {
  const { location, offset, length } = externalPlace(tensor);
  const file = location === null ? undefined : files.get(location);
  if (file === undefined) return `'${tensor.name}' in '${location ?? '(no name)'}', which is not there`;
  const expected = elementCount(tensor) * (elementSize(tensor.dataType) ?? 0);
  const bytes = length ?? file.length - offset;
  if (!(offset >= 0) || !(bytes >= 0) || offset + bytes > file.length) {
    return `'${tensor.name}' is at bytes ${offset} to ${offset + bytes} of '${location}', which has ${file.length}`;
  }
  return bytes === expected ? null : `'${tensor.name}' has ${bytes} bytes in '${location}' instead of ${expected}`;
}
