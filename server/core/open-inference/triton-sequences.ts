import {
  DataType,
  ModelSequenceBatching as TritonSequences,
  ModelSequenceBatching_Control_Kind as ControlKind,
} from '../../gen/inference/model_config.js';
import type { ControlConfig, SequenceConfig, StateConfig } from '../sequences/sequence-config.js';

/** How the requests of sequences are grouped, in Triton's words. */
export function tritonSequences(said: SequenceConfig): TritonSequences {
  const { oldest, direct } = said;
  return TritonSequences.fromPartial({
    strategyChoice:
      oldest === undefined
        ? {
            $case: 'direct',
            direct: {
              maxQueueDelayMicroseconds: BigInt(direct?.max_queue_delay_microseconds ?? 0),
              minimumSlotUtilization: direct?.minimum_slot_utilization ?? 0,
            },
          }
        : {
            $case: 'oldest',
            oldest: {
              maxCandidateSequences: oldest.max_candidate_sequences ?? 0,
              preferredBatchSize: [...oldest.preferred_batch_size],
              maxQueueDelayMicroseconds: BigInt(oldest.max_queue_delay_microseconds),
              preserveOrdering: oldest.preserve_ordering,
            },
          },
    maxSequenceIdleMicroseconds: BigInt(said.max_sequence_idle_microseconds),
    controlInput: said.control_input.map(({ name, control }) => ({ name, control: control.map(toControl) })),
    state: said.state.map(toState),
  });
}

function toControl({ kind, ...control }: ControlConfig) {
  return {
    kind: ControlKind[kind],
    int32FalseTrue: [...(control.int32_false_true ?? [])],
    fp32FalseTrue: [...(control.fp32_false_true ?? [])],
    boolFalseTrue: [...(control.bool_false_true ?? [])],
    dataType: control.data_type === undefined ? 0 : DataType[control.data_type],
  };
}

function toState({ input_name: inputName, output_name: outputName, ...state }: StateConfig) {
  return {
    inputName,
    outputName,
    dataType: DataType[state.data_type],
    dims: state.dims.map(BigInt),
    initialState: state.initial_state.map(({ name, data_type: type, dims, data_file: file }) => ({
      name,
      dataType: DataType[type],
      dims: dims.map(BigInt),
      stateData:
        file === undefined
          ? { $case: 'zeroData' as const, zeroData: true }
          : { $case: 'dataFile' as const, dataFile: file },
    })),
  };
}
