/**
 * Keeps ONNX Runtime from telling its maker about models and machine, as it does by default on Linux. To be called before
 * it is loaded anywhere in the process, and on the main thread: the variables of other threads are copies.
 */
export function switchTelemetryOff(): void {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
}
