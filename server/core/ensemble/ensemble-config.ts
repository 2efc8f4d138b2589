import { z } from 'zod';
import type { TensorsConfig } from '../tensors-config.js';

/** The section `ensemble_scheduling` of a config.yaml: models of the repository as a graph of tensors. Names are Triton's. */

const tensorMap = (description: string) => z.record(z.string().min(1), z.string().min(1)).describe(description);

const stepSchema = z.strictObject({
  model_name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must be the name of a model directory')
    .describe('The model, by its directory in the repository; it may be an ensemble itself.'),
  model_version: z
    .int()
    .refine((version) => version === -1 || version >= 1, 'expected -1, or a version from 1 on')
    .default(-1)
    .describe('Its version; -1: the newest ready one, looked up for each request.'),
  input_map: tensorMap('For each input of the model, the tensor of the ensemble that it gets.'),
  output_map: tensorMap('For outputs of the model, the tensor of the ensemble that each becomes.'),
});

export const ensembleSchema = z
  .strictObject({
    step: z
      .array(stepSchema)
      .min(1)
      .max(256)
      .describe(
        'Models that run, each as soon as the tensors that it gets are there, in whatever order they are written.',
      ),
    max_inflight_requests: z
      .int()
      .min(0)
      .max(65_536)
      .default(0)
      .describe('Most requests that run at once; more wait in the queue of the ensemble. 0: no limit.'),
  })
  .describe('The steps of an ensemble. Only for task ensemble, which needs it.');

export type EnsembleConfig = z.output<typeof ensembleSchema>;
export type StepConfig = EnsembleConfig['step'][number];

/** What messages call a step, which has no name of its own. */
export function stepTitle(index: number, { model_name: model }: StepConfig): string {
  return `step ${index + 1} (model ${model})`;
}

/** The step that makes each tensor. */
export function makersOf({ step: steps }: EnsembleConfig): ReadonlyMap<string, StepConfig> {
  return new Map(steps.flatMap((step) => Object.values(step.output_map).map((tensor) => [tensor, step] as const)));
}

type Problem = [path: PropertyKey[], message: string];

/** What is wrong with the graph of steps that are right one by one. */
export function ensembleProblems({ step: steps }: EnsembleConfig, tensors: TensorsConfig): Problem[] {
  const at = (index: number, ...rest: PropertyKey[]) => ['ensemble_scheduling', 'step', index, ...rest];
  const problems: Problem[] = [];
  /** Who makes each tensor; null: it comes with the request. */
  const makers = new Map<string, number | null>(tensors.input.map(({ name }) => [name, null]));
  for (const side of ['input', 'output'] as const) {
    if (tensors[side].length === 0) problems.push([['tensors', side], `an ensemble needs ${side}s: name them`]);
    tensors[side].forEach(({ reshape }, index) => {
      if (reshape === undefined) return;
      problems.push([
        ['tensors', side, index, 'reshape'],
        'has no meaning in an ensemble: reshape the tensor of a model',
      ]);
    });
  }
  steps.forEach((step, index) => {
    for (const [output, tensor] of Object.entries(step.output_map)) {
      const other = makers.get(tensor);
      if (other === undefined) makers.set(tensor, index);
      else {
        const who =
          other === null ? 'is an input of the ensemble' : `comes from ${stepTitle(other, steps[other]!)} already`;
        problems.push([at(index, 'output_map', output), `tensor ${tensor} ${who}`]);
      }
    }
    if (Object.keys(step.output_map).length === 0) {
      problems.push([
        at(index, 'output_map'),
        'maps nothing, so that nobody gets what the model answers: remove the step',
      ]);
    }
  });
  steps.forEach((step, index) => {
    for (const [input, tensor] of Object.entries(step.input_map)) {
      if (makers.has(tensor)) continue;
      const known = [...makers.keys()].join(', ');
      problems.push([at(index, 'input_map', input), `nothing makes tensor ${tensor}; there are ${known}`]);
    }
  });
  tensors.output.forEach(({ name }, index) => {
    if (makers.has(name)) return;
    problems.push([
      ['tensors', 'output', index, 'name'],
      `no step makes tensor ${name}: map an output of a model to it`,
    ]);
  });
  const circle = findCircle(steps, makers);
  if (circle !== null) {
    const way = [...circle, circle[0]!].map((index) => stepTitle(index, steps[index]!)).join(' -> ');
    problems.push([at(circle[0]!), `steps must not wait for one another in a circle: ${way}`]);
  }
  return problems;
}

/** Steps each of which needs a tensor of the one before it, the first of the last; null: there is no such circle. */
function findCircle(steps: readonly StepConfig[], makers: ReadonlyMap<string, number | null>): number[] | null {
  const done = new Set<number>();
  const way: number[] = [];
  const visit = (index: number): number[] | null => {
    const seen = way.indexOf(index);
    // It was gone against the tensors.
    if (seen >= 0) return [index, ...way.slice(seen + 1).reverse()];
    if (done.has(index)) return null;
    way.push(index);
    for (const tensor of Object.values(steps[index]!.input_map)) {
      const maker = makers.get(tensor) ?? null;
      const circle = maker === null ? null : visit(maker);
      if (circle !== null) return circle;
    }
    way.pop();
    done.add(index);
    return null;
  };
  for (const index of steps.keys()) {
    const circle = visit(index);
    if (circle !== null) return circle;
  }
  return null;
}
