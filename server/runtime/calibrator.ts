import type { EngineInputs } from './engine-inputs.js';
import type { AccuracyReport } from './engine-sidecar.js';
import type { CalibrationSpec, GpuDevice } from './native-gpu.js';

/** What a plan in INT8 needs beside its build: the pictures to take ranges from, and a measure of what is lost. */
export interface Calibrator {
  /** Writes the batches that the ranges are taken from as files below `directory`, one for each input of the model. */
  writeBatches(request: {
    readonly inputs: EngineInputs;
    readonly directory: string;
    readonly signal: AbortSignal;
  }): Promise<CalibrationSpec['inputs']>;

  /** Runs the pictures held back through the plan and through the fp32 model; null where none are held back. */
  measureAgreement(request: {
    readonly inputs: EngineInputs;
    readonly planFile: string;
    readonly weightsFile: string | null;
    readonly device: GpuDevice;
    readonly signal: AbortSignal;
  }): Promise<AccuracyReport | null>;
}
