import type { EngineInputs } from '../engine-inputs.js';
import type { AccuracyReport } from '../engine-sidecar.js';
import type { CalibrationSpec, GpuDevice } from '../native-gpu.js';

/** What a plan in INT8 takes beside its build: batches to find ranges on, and a measure of what was lost. */
export interface Calibrator {
  prepare(request: CalibrationRequest): Promise<PreparedCalibration>;
  /** Runs pictures through the plan and through the model in fp32. */
  measure(request: MeasureRequest): Promise<AccuracyReport>;
}

export interface CalibrationRequest {
  readonly inputs: EngineInputs;
  /** Where files of batches are written. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

export interface PreparedCalibration {
  /** A file of batches for each input of the model. */
  readonly inputs: CalibrationSpec['inputs'];
  /** Paths of the pictures that are not calibrated with. */
  readonly heldBack: readonly string[];
}

export interface MeasureRequest {
  readonly inputs: EngineInputs;
  readonly planFile: string;
  readonly weightsFile: string | null;
  readonly device: GpuDevice;
  /** Paths; at least one. */
  readonly pictures: readonly string[];
  readonly signal: AbortSignal;
}
