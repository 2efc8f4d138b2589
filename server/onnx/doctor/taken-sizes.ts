import { nodeLabel, type OnnxModel } from '../graph.js';
import type { Observation } from './finding.js';
import { OriginTracer } from './origins.js';
import { placesOf } from './places.js';

/** Operators and those of their inputs that say how large the result is. Of the sizes of a Resize R2 tells. */
const SIZE_INPUTS: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  Resize: [2],
  Slice: [1, 2],
  Range: [0, 1, 2],
  ConstantOfShape: [0],
  Tile: [1],
  Pad: [1],
};

/** R1: sizes that are read from tensors while the model runs. The batch alone may be. */
export function checkTakenSizes(model: OnnxModel): Observation[] {
  const tracer = new OriginTracer(model);
  return [...placesOf(model.graph)].flatMap(({ node }): Observation[] => {
    const inputs = SIZE_INPUTS[node.opType]?.map((index) => node.input[index] ?? '') ?? [];
    const taken = inputs.map((name) => tracer.originsOf(name)).find(({ takesSizes }) => takesSizes);
    if (taken === undefined || taken.shape === null) return [];
    const tensor = taken.shape.input[0] ?? '';
    return [
      {
        rule: 'R1',
        severity: 'warning',
        node,
        message: `its size is computed from the shape of '${tensor}', which ${nodeLabel(taken.shape)} reads`,
        why: 'Engines have to compute it for every batch, and TensorRT cannot always plan for what it might be.',
        fix: 'In the network, put int() around every size, such as view(-1, int(c), int(h * w)).',
        fixable: false,
      },
    ];
  });
}
