/** An input or output in a configuration of Triton's: its sides are those of a row. */
export type Port = readonly [name: string, type: 'TYPE_FP32' | 'TYPE_STRING', sides: readonly number[]];

/** A model in Triton's words. */
export interface TritonModel {
  /** An ensemble's steps are in `more`. */
  readonly backend: 'onnx' | 'python' | 'ensemble';
  readonly rows: number;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** 0: an ensemble, which has none. */
  readonly instances: number;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Further lines. */
  readonly more?: readonly string[];
}

/** One model of an ensemble: its tensors, and what the ensemble calls them. */
export interface Step {
  readonly model: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
}

/** `config.pbtxt` of a model, batched as Triton does by default. */
export function configText({ backend, rows, inputs, outputs, instances, parameters, more }: TritonModel): string {
  const ports = (list: readonly Port[]): string =>
    list
      .map(([name, type, sides]) => `{ name: "${name}", data_type: ${type}, dims: [${sides.join(', ')}] }`)
      .join(', ');
  return [
    backend === 'ensemble' ? 'platform: "ensemble"' : `backend: "${backend}"`,
    `max_batch_size: ${rows}`,
    `input [${ports(inputs)}]`,
    `output [${ports(outputs)}]`,
    ...(instances === 0 ? [] : [`instance_group [{ count: ${instances}, kind: KIND_CPU }]`, 'dynamic_batching {}']),
    ...Object.entries(parameters ?? {}).map(
      ([key, value]) => `parameters { key: "${key}", value: { string_value: "${value}" } }`,
    ),
    ...(more ?? []),
    '',
  ].join('\n');
}

/** The steps of an ensemble. */
export function ensembleText(steps: readonly Step[]): string {
  const map = (kind: string, names: Readonly<Record<string, string>>): string =>
    Object.entries(names)
      .map(([key, value]) => `${kind} { key: "${key}", value: "${value}" }`)
      .join(' ');
  const step = ({ model, inputs, outputs }: Step): string =>
    `{ model_name: "${model}", model_version: -1, ${map('input_map', inputs)} ${map('output_map', outputs)} }`;
  return `ensemble_scheduling { step [${steps.map(step).join(', ')}] }`;
}
