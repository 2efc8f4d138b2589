import { ServingError } from '../../core/errors.js';
import {
  declaredShape,
  fedInputs,
  initializerNames,
  opsetOf,
  shapeText,
  type DeclaredDim,
  type OnnxModel,
} from '../graph.js';
import { COLORS, FOCUSED, imageInput, takesNoPicture } from '../image-input.js';
import { BATCH, OLDEST_OPSET, rewriteModel } from '../rewrite.js';
import type { DoctorContext, Observation } from './finding.js';
import { isRefused } from './steps.js';
import { oddInputs } from './types.js';

/** R4: one picture as input, a batch that is open, weights that are not inputs, outputs that are declared truly. */
export function checkInputs(model: OnnxModel, context: DoctorContext): Observation[] {
  const listed = listedWeights(model);
  // R11 tells of types; texts and key points are no picture, and their batch is that of the file.
  if (oddInputs(model).length > 0 || takesNoPicture(model)) return listed;
  try {
    const { name, shape } = imageInput(model);
    const [batch, channels, height, width] = shape;
    const findings = [...listed];
    if (typeof channels === 'number' && channels !== COLORS) {
      const key = channels === FOCUSED ? 'preprocess.focus: true' : 'preprocess.color: gray';
      findings.push({
        ...about,
        severity: 'info',
        message: `input '${name}' has ${channels} channels: ${shapeText(shape)}`,
        why:
          channels === FOCUSED
            ? 'Its Focus layer was cut off: every second column and row of the picture has to come as channels.'
            : 'It takes pictures in grey.',
        fix: `Set ${key} in config.yaml.`,
        fixable: false,
      });
    }
    if (typeof batch === 'number') {
      findings.push({
        ...about,
        severity: 'warning',
        message: `input '${name}' has a fixed batch of ${batch}: ${shapeText(shape)}`,
        why: 'The server could not group requests, and would have to fill every batch up.',
        fix: 'Export with dynamic_axes on dim 0 of the input and of every output.',
        fixable: true,
      });
    }
    if (typeof height !== 'number' || typeof width !== 'number') {
      findings.push({
        ...about,
        severity: 'info',
        message: `input '${name}' has an open height or width: ${shapeText(shape)}`,
        why: 'Engines are fastest for one size; the server fixes it to that of config.yaml.',
        fix: 'Export with a fixed height and width.',
        fixable: context.size !== null,
      });
    }
    return [...findings, ...checkOutputs(model, batch, context)];
  } catch (cause) {
    return [...listed, refusal(cause, 'The server feeds one tensor of pictures: float32, NCHW.')];
  }
}

const about = { rule: 'R4', node: null } as const;

function listedWeights({ graph }: OnnxModel): Observation[] {
  const initializers = initializerNames(graph);
  const listed = graph.input.length - fedInputs(graph).length;
  if (listed === 0) return [];
  return [
    {
      ...about,
      severity: 'warning',
      message: `${listed} of ${initializers.size} weights are listed as inputs`,
      why: 'A weight that a caller may replace cannot be folded or fused by the runtime, which costs speed.',
      fix: 'Export with keep_initializers_as_inputs=False.',
      fixable: true,
    },
  ];
}

/** Compares the outputs with what they are at the served size. */
function checkOutputs(model: OnnxModel, batch: DeclaredDim, context: DoctorContext): Observation[] {
  const { size } = context;
  // R5 and R3 tell what keeps the model from being served.
  if (size === null || opsetOf(model) < OLDEST_OPSET || isRefused(context)) return [];
  let served: OnnxModel;
  try {
    served = rewriteModel(model, size).model;
  } catch (cause) {
    return [refusal(cause, `The model cannot answer batches of pictures of ${size.width}x${size.height}.`)];
  }
  const untrue = model.graph.output.flatMap((output, index) => {
    const rewritten = served.graph.output[index];
    const actual = shapeText(rewritten === undefined ? null : declaredShape(rewritten));
    // Whatever the export calls the batch, as long as input and output agree.
    const declared =
      declaredShape(output)?.map((dim) => (dim === batch && typeof dim === 'string' ? BATCH : dim)) ?? null;
    if (shapeText(declared) === actual) return [];
    return [`'${output.name}' ${shapeText(declaredShape(output))} is ${actual}`];
  });
  if (untrue.length === 0) return [];
  return [
    {
      ...about,
      severity: 'warning',
      message: `outputs are declared other than they are at ${size.width}x${size.height}: ${untrue.join(', ')}`,
      why: 'Whoever believes the file makes buffers of the wrong size.',
      fix: 'Export with dynamic_axes on dim 0 of the input and of every output.',
      fixable: true,
    },
  ];
}

function refusal(cause: unknown, why: string): Observation {
  if (!(cause instanceof ServingError)) throw cause;
  return { ...about, severity: 'error', message: cause.message, why, fix: null, fixable: false };
}
