import { ServingError } from '../core/errors.js';
import { declaredShape, fedInputs, inputNames, shapeText, type DeclaredDim, type OnnxModel } from './graph.js';
import { DataType, dataTypeName } from './tensor.js';

/** The one input of a vision model: float32 pictures, NCHW. */
export interface ImageInput {
  readonly name: string;
  /** As the file declares it. */
  readonly shape: readonly [batch: DeclaredDim, channels: DeclaredDim, height: DeclaredDim, width: DeclaredDim];
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
  if (channels !== 3 && width === 3) {
    throw invalid(`Input '${input.name}' is NHWC ${shapeText(shape)}; export the model with NCHW pictures.`);
  }
  if (typeof channels === 'number' && channels !== 3) {
    throw invalid(`Input '${input.name}' has ${channels} channels ${shapeText(shape)}; pictures have 3.`);
  }
  const elemType = input.type?.tensorType?.elemType ?? DataType.UNDEFINED;
  if (elemType !== DataType.FLOAT) {
    throw invalid(`Input '${input.name}' is ${dataTypeName(elemType)} and must be FLOAT (32 bits); export it so.`);
  }
  return { name: input.name, shape: [batch, channels, height, width] };
}

function invalid(message: string): ServingError {
  return new ServingError('MODEL_INVALID', message);
}
