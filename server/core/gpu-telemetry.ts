/** What a driver says of one GPU at one moment; NaN where it does not say. */
export interface GpuTelemetry {
  /** As the driver counts. */
  readonly index: number;
  /** `GPU-...`, as nvidia-smi shows it. */
  readonly uuid: string;
  readonly name: string;
  /** 0 to 1. */
  readonly utilization: number;
  readonly memoryTotalBytes: number;
  readonly memoryUsedBytes: number;
  readonly powerWatts: number;
  readonly powerLimitWatts: number;
  readonly energyJoules: number;
  readonly temperatureCelsius: number;
  /** 0 to 1, of the JPEG engines. */
  readonly jpegUtilization: number;
}
