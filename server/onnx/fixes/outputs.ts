import { node, valueInfo } from '../builder.js';
import type { InputSize } from '../comparison.js';
import type { OnnxModel } from '../graph.js';
import { BATCH } from '../rewrite.js';
import { rowPlan, type NamedShape } from '../yolo-heads.js';
import { FreshNames, withGraph } from './edit.js';

/** Box and one class at least. */
const FEWEST_VALUES = 5;

/** The maps that a detector gives out beside its rows, one a stride: what its loss is computed from in training. */
export function trainingOutputs(outputs: readonly NamedShape[], size: InputSize): NamedShape[] {
  const hasRows = outputs.some(({ shape }) => isRows(shape, 1, size) || isRows(shape, 2, size));
  const maps = outputs.filter(({ shape }) => shape !== null && (shape.length === 4 || shape.length === 5));
  const sizes = new Set(maps.map(({ shape }) => cellsOf(shape, size)));
  const channels = new Set(maps.map(({ shape }) => (shape?.length === 4 ? shape[1] : shape?.[4])));
  // One map beside the rows may be masks.
  const isPyramid = maps.length > 1 && sizes.size === maps.length && channels.size === 1 && !sizes.has(null);
  return hasRows && isPyramid ? maps : [];
}

/** Outputs of YOLOv8 and 11 as they are exported: values before rows, [N, 4 + C, A]. */
export function untransposedOutputs(outputs: readonly NamedShape[], size: InputSize): NamedShape[] {
  return outputs.filter(({ shape }) => {
    const [, values = 0, rows = 0] = shape ?? [];
    const isUpright = isRows(shape, 2, size) && rowPlan(rows ?? 0, size)?.perCell === 1;
    return isUpright && (values ?? 0) >= FEWEST_VALUES && (values ?? 0) < (rows ?? 0);
  });
}

function isRows(shape: NamedShape['shape'], axis: number, size: InputSize): boolean {
  return shape?.length === 3 && rowPlan(shape[axis] ?? 0, size) !== null;
}

/** How many pixels a cell of a map spans: null for what is no map of this picture. */
function cellsOf(shape: NamedShape['shape'], { width, height }: InputSize): number | null {
  const [rows, columns] = shape?.length === 4 ? shape.slice(2) : (shape?.slice(2, 4) ?? []);
  if (rows == null || columns == null) return null;
  const stride = height / rows;
  return stride === width / columns && Number.isInteger(stride) && stride >= 4 ? stride : null;
}

export function dropOutputs(model: OnnxModel, extra: readonly NamedShape[], changes: string[]): OnnxModel {
  if (extra.length === 0) return model;
  const names = new Set(extra.map(({ name }) => name));
  changes.push(`dropped the outputs ${[...names].map((name) => `'${name}'`).join(', ')}, which only training needs`);
  return withGraph(model, { ...model.graph, output: model.graph.output.filter(({ name }) => !names.has(name)) });
}

/** Gives out [N, rows, values] instead, under the same name. */
export function transposeOutputs(model: OnnxModel, upright: readonly NamedShape[], changes: string[]): OnnxModel {
  const names = new FreshNames(model);
  let { graph } = model;
  for (const { name, shape } of upright) {
    const before = names.get(`${name}/values`);
    const renamed = (value: string) => (value === name ? before : value);
    const [, values = null, rows = null] = shape ?? [];
    graph = {
      ...graph,
      node: [
        ...graph.node.map((one) => ({ ...one, input: one.input.map(renamed), output: one.output.map(renamed) })),
        node('Transpose', [before], [name], { perm: [0, 2, 1] }),
      ],
      output: graph.output.map((value) => (value.name === name ? valueInfo(name, [BATCH, rows, values]) : value)),
    };
    changes.push(`output '${name}': transposed to [${BATCH}, ${rows}, ${values}]`);
  }
  return upright.length === 0 ? model : withGraph(model, graph);
}
