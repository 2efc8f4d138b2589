import { detectParameters } from '../../server/core/detections.js';
import type { InferenceRequest } from '../../server/core/inference.js';
import { modelConfigSchema, type ModelConfig } from '../../server/core/model-config.js';

export interface RequestOptions extends Partial<Omit<InferenceRequest, 'content' | 'parameters'>> {
  /** Size of its picture. */
  readonly bytes?: number;
}

/** A request that arrives at `now`: one row, without a deadline, unless `options` say otherwise. */
export function makeRequest(now: number, { bytes = 100, ...options }: RequestOptions = {}): InferenceRequest {
  return {
    content: { kind: 'encoded', bytes: new Uint8Array(bytes) },
    parameters: detectParameters({ maxDetections: 100 }, makeConfig()),
    rows: 1,
    batchKey: '',
    arrivedAt: now,
    deadlineAt: null,
    priority: 1,
    ...options,
  };
}

/** A configuration with every default, and `keys` as config.yaml would have them. */
export function makeConfig(keys: Readonly<Record<string, unknown>> = {}): ModelConfig {
  return modelConfigSchema.parse({ task: 'centerface', input: { width: 64, height: 64 }, ...keys });
}
