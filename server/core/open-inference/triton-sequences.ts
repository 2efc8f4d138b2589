import {
  DataType,
  ModelSequenceBatching_Control_Kind as ControlKind,
  type ModelSequenceBatching as TritonSequences,
  type ModelSequenceBatching_Control as TritonControl,
  type ModelSequenceBatching_State as TritonState,
} from '../../gen/inference/model_config.js';
import type { ControlConfig, SequenceConfig, StateConfig } from '../sequences/sequence-config.js';

/** How the requests of sequences are grouped, in Triton's words. */
export function tritonSequences(said: SequenceConfig): TritonSequences {
  return {
    strategyChoice: strategy(said),
    maxSequenceIdleMicroseconds: BigInt(said.max_sequence_idle_microseconds),
    controlInput: said.control_input.map(({ name, control }) => ({ name, control: control.map(toControl) })),
    state: said.state.map(toState),
    iterativeSequence: false,
  };
}

function strategy({ oldest, direct }: SequenceConfig): TritonSequences['strategyChoice'] {
  if (oldest !== undefined) {
    return {
      $case: 'oldest',
      oldest: {
        maxCandidateSequences: oldest.max_candidate_sequences ?? 0,
        preferredBatchSize: [...oldest.preferred_batch_size],
        maxQueueDelayMicroseconds: BigInt(oldest.max_queue_delay_microseconds),
        preserveOrdering: oldest.preserve_ordering,
      },
    };
  }
  return {
    $case: 'direct',
    direct: {
      maxQueueDelayMicroseconds: BigInt(direct?.max_queue_delay_microseconds ?? 0),
      minimumSlotUtilization: direct?.minimum_slot_utilization ?? 0,
    },
  };
}

function toControl({ kind, data_type: type, ...pairs }: ControlConfig): TritonControl {
  return {
    kind: ControlKind[kind],
    int32FalseTrue: [...(pairs.int32_false_true ?? [])],
    fp32FalseTrue: [...(pairs.fp32_false_true ?? [])],
    boolFalseTrue: [...(pairs.bool_false_true ?? [])],
    dataType: type === undefined ? DataType.TYPE_INVALID : DataType[type],
  };
}

function toState({ input_name: inputName, output_name: outputName, ...state }: StateConfig): TritonState {
  return {
    inputName,
    outputName,
    dataType: DataType[state.data_type],
    dims: state.dims.map(BigInt),
    initialState: state.initial_state.map(({ name, data_type: type, dims, data_file: dataFile }) => ({
      name,
      dataType: DataType[type],
      dims: dims.map(BigInt),
      stateData: dataFile === undefined ? { $case: 'zeroData', zeroData: true } : { $case: 'dataFile', dataFile },
    })),
    useSameBufferForInputOutput: false,
    useGrowableMemory: false,
  };
}
