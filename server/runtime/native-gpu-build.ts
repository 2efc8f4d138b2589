/** What the native GPU addon builds engines from; see native-gpu.ts. */

/** Sizes that an optimisation profile reaches and is tuned for. */
export interface SizeRange {
  readonly min: number;
  readonly opt: number;
  readonly max: number;
}

/** Sizes of one input, all of them. */
export interface InputRange {
  readonly name: string;
  readonly min: readonly number[];
  readonly opt: readonly number[];
  readonly max: readonly number[];
}

export interface BuildProfile {
  readonly batch: SizeRange;
  /** Null where the model file fixes them. */
  readonly height: SizeRange | null;
  readonly width: SizeRange | null;
  /** Tokens of a row; left out where the model takes pictures. */
  readonly length?: SizeRange;
  /** Of tensors: every input, and the other sizes have no say. Left out for other models. */
  readonly inputs?: readonly InputRange[];
}

/** What the INT8 calibrator is fed. */
export interface CalibrationSpec {
  readonly algorithm: 'entropy' | 'minmax';
  /** For each input of the model, a file of raw float32 batches, one after the other, each `batchSize` rows. */
  readonly inputs: readonly { readonly name: string; readonly file: string }[];
  readonly batchSize: number;
  /** Read when it exists, else written: a calibration is not repeated. Null: neither. */
  readonly cacheFile: string | null;
}

/** What a plan is built from. */
export interface EngineBuildSpec {
  readonly onnxFile: string;
  /** Where the plan is written; the directory exists. */
  readonly planFile: string;
  readonly device: number;
  readonly precision: 'fp32' | 'fp16' | 'int8' | 'strongly_typed';
  /** Lets fp32 layers round their inputs to TF32. */
  readonly tf32: boolean;
  /** Inputs and outputs are of the types that the file gives them. Left out: those of less than float32 become that. */
  readonly keepTypes?: boolean;
  readonly profiles: readonly BuildProfile[];
  /** Shared libraries that are loaded before the file is parsed. */
  readonly plugins: readonly string[];
  /** 0 to 5. */
  readonly optimizationLevel: number;
  /** Most device memory of a layer while it is tried; null: as much as there is. */
  readonly workspaceBytes: number | null;
  /** Streams beside the instance's own; null: TensorRT decides. */
  readonly auxStreams: number | null;
  readonly versionCompatible: boolean;
  /** Leaves the weights out of the plan: they are put back from the ONNX file as it is loaded. */
  readonly stripWeights: boolean;
  readonly refit: boolean;
  readonly hardwareCompatibility: 'none' | 'ampere_plus' | 'same_compute_capability';
  /** Read and brought up to date; null: neither. */
  readonly timingCacheFile: string | null;
  readonly calibration: CalibrationSpec | null;
  /**
   * A file descriptor to which one JSON object a line is written while the build runs:
   * {"progress": 0 to 1, "phase": text} and {"level": "info"|"warn"|"error", "message": text}. Null: nothing is written.
   */
  readonly progressFd: number | null;
}

export interface EngineBuildResult {
  readonly planBytes: number;
  /** Device memory of one execution context, for each profile. */
  readonly activationBytes: readonly number[];
  /** Layers of the engine. */
  readonly layers: number;
}
