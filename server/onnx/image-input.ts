import { ServingError } from '../core/errors.js';
import { declaredShape, fedInputs, inputNames, shapeText, type DeclaredDim, type OnnxModel } from './graph.js';
import { DataType, dataTypeName } from './tensor.js';

/** Channels of a picture; the default of what is served. */
export const COLORS = 3;
/** Channels of a picture in grey. */
export const GRAY = 1;
/** Channels behind the Focus layer of a YOLO. */
export const FOCUSED = 12;

/** The one input of a vision model: float32 pictures, NCHW. */
export interface ImageInput {
  readonly name: string;
  /** As the file declares it. */
  readonly shape: readonly [batch: DeclaredDim, channels: DeclaredDim, height: DeclaredDim, width: DeclaredDim];
}

/** Whether a model takes something else than pictures: numbers of words [batch, length], or key points [batch, points, 2 or 3]. */
export function takesNoPicture({ graph }: OnnxModel): boolean {
  const inputs = fedInputs(graph);
  const isOther = (input: (typeof inputs)[number]) => {
    const [shape, type] = [declaredShape(input), input.type?.tensorType?.elemType];
    if (type === DataType.INT64 || type === DataType.INT32) return shape?.length === 2;
    return type === DataType.FLOAT && shape?.length === 3 && (shape[2] === 2 || shape[2] === 3);
  };
  return inputs.length > 0 && inputs.every(isOther);
}

/** Finds the picture among the inputs. Throws MODEL_INVALID where there is none, or one that cannot be fed. */
export function imageInput(model: OnnxModel): ImageInput {
  const inputs = fedInputs(model.graph);
  const [input] = inputs;
  if (input === undefined || inputs.length > 1) {
    const names = inputNames(model)
      .map((name) => `'${name}'`)
      .join(', ');
    throw invalid(`The model must have one input, the picture; it has ${inputs.length}${names && `: ${names}`}.`);
  }
  const shape = declaredShape(input);
  if (shape?.length !== 4) {
    throw invalid(`Input '${input.name}' must be [batch, 3, height, width] and is ${shapeText(shape)}; export it so.`);
  }
  const [batch = null, channels = null, height = null, width = null] = shape;
  if (typeof channels === 'number' && ![COLORS, GRAY, FOCUSED].includes(channels)) {
    throw invalid(
      `Input '${input.name}' has ${channels} channels ${shapeText(shape)}; pictures have ${COLORS}, or ${GRAY} in grey, or ` +
        `${FOCUSED} where a Focus layer was cut off.`,
    );
  }
  const elemType = input.type?.tensorType?.elemType ?? DataType.UNDEFINED;
  if (elemType !== DataType.FLOAT) {
    throw invalid(`Input '${input.name}' is ${dataTypeName(elemType)} and must be FLOAT (32 bits); export it so.`);
  }
  return { name: input.name, shape: [batch, channels, height, width] };
}

/** Refuses a file whose input has other channels than the configuration feeds. Throws MODEL_INVALID. */
export function requireChannels({ name, shape }: ImageInput, served: number): void {
  const [, channels] = shape;
  if (typeof channels !== 'number' || channels === served) return;
  throw invalid(
    `Input '${name}' has ${channels} channels ${shapeText(shape)} and would be fed ${served}: ${ADVICE[channels]}.`,
  );
}

/** What to configure for a file, by its channels. */
const ADVICE: Readonly<Record<number, string>> = {
  [COLORS]: 'set preprocess.color to rgb or bgr and preprocess.focus to false',
  [GRAY]: 'set preprocess.color to gray',
  [FOCUSED]: 'if its Focus layer was cut off, set preprocess.focus to true and input to the size in front of it',
};

function invalid(message: string): ServingError {
  return new ServingError('MODEL_INVALID', message);
}
