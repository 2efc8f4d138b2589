import { castOutput } from './casts.js';
import type { OnnxModel } from './graph.js';
import { DataType, dataTypeName } from './tensor.js';

const WHOLE: ReadonlySet<number> = new Set([DataType.INT32, DataType.INT64]);

/**
 * Makes float32 of outputs of whole numbers, counts and classes, by a Cast behind what computes them, so that whoever
 * runs the model gives out one type. The outputs keep their names. Whole numbers beyond 2^24 lose their low bits. The
 * model is left as it is; `changes` gets a line for each output.
 */
export function floatOutputs(model: OnnxModel, changes: string[]): OnnxModel {
  let { graph } = model;
  for (const { name, type } of graph.output) {
    const from = type?.tensorType?.elemType ?? DataType.UNDEFINED;
    if (!WHOLE.has(from)) continue;
    graph = castOutput(graph, name, DataType.FLOAT);
    changes.push(`output '${name}': ${dataTypeName(from)} -> FLOAT`);
  }
  return graph === model.graph ? model : { ...model, graph };
}
