import { datatypeOfConfig } from '../tensors-config.js';
import { writeElements, type Datatype, type Tensor } from '../tensors.js';
import type { ControlConfig, SequenceConfig } from './sequence-config.js';
import type { SequenceStep } from './sequence-step.js';

/** An input that tells a model where a request is in its sequence. */
export interface Control {
  readonly name: string;
  readonly datatype: Datatype;
  /** Its one element; null: of a row that no request has. */
  readonly dataFor: (step: SequenceStep | null) => Uint8Array;
}

export function controlsOf({ control_input: inputs }: SequenceConfig): Control[] {
  return inputs.flatMap(({ name, control }) =>
    control.map((one): Control => {
      const { datatype, dataFor } = one.data_type === undefined ? flag(one) : correlation(one.data_type);
      return { name, datatype, dataFor };
    }),
  );
}

/** The controls of a row. */
export function controlTensors(controls: readonly Control[], step: SequenceStep | null, batched: boolean): Tensor[] {
  return controls.map(({ name, datatype, dataFor }) => {
    return { name, datatype, shape: batched ? [1, 1] : [1], data: dataFor(step) };
  });
}

type Coded = Omit<Control, 'name'>;

function flag({ kind, int32_false_true: int32, fp32_false_true: fp32, bool_false_true: bool }: ControlConfig): Coded {
  const isTrue = (step: SequenceStep | null): boolean => {
    if (step === null) return false;
    if (kind === 'CONTROL_SEQUENCE_START') return step.start;
    return kind === 'CONTROL_SEQUENCE_END' ? step.end : true;
  };
  const pick = (pair: readonly (number | boolean)[], step: SequenceStep | null) => Number(pair[isTrue(step) ? 1 : 0]);
  if (int32 !== undefined) return { datatype: 'INT32', dataFor: (step) => bytes(Int32Array.of(pick(int32, step))) };
  if (fp32 !== undefined) return { datatype: 'FP32', dataFor: (step) => bytes(Float32Array.of(pick(fp32, step))) };
  return { datatype: 'BOOL', dataFor: (step) => Uint8Array.of(pick(bool ?? [], step)) };
}

/** The id of a sequence; of a row that no request has 0, or no text. */
function correlation(type: NonNullable<ControlConfig['data_type']>): Coded {
  const datatype = datatypeOfConfig(type);
  const id = (step: SequenceStep | null) => step?.id ?? 0n;
  if (type === 'TYPE_STRING') {
    return { datatype, dataFor: (step) => writeElements([Buffer.from(step === null ? '' : String(step.id))]) };
  }
  if (type === 'TYPE_UINT64') return { datatype, dataFor: (step) => bytes(BigUint64Array.of(BigInt(id(step)))) };
  if (type === 'TYPE_INT64') return { datatype, dataFor: (step) => bytes(BigInt64Array.of(BigInt(id(step)))) };
  if (type === 'TYPE_UINT32') return { datatype, dataFor: (step) => bytes(Uint32Array.of(Number(id(step)))) };
  return { datatype, dataFor: (step) => bytes(Int32Array.of(Number(id(step)))) };
}

function bytes({ buffer }: { readonly buffer: ArrayBuffer }): Uint8Array {
  return new Uint8Array(buffer);
}
