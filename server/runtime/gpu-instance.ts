import { ServingError } from '../core/errors.js';
import type { Instance } from './instance.js';
import type { BatchDone, FrameTask, InstanceSpec, Placement } from './messages.js';

export class GpuInstance implements Instance {
  static async create(_spec: InstanceSpec, _placement: Placement & { kind: 'gpu' }): Promise<GpuInstance> {
    throw new ServingError('DEVICE_UNAVAILABLE', 'not yet');
  }
  notes: readonly string[] = [];
  execute(_frames: readonly FrameTask[]): Promise<BatchDone> {
    throw new ServingError('DEVICE_UNAVAILABLE', 'not yet');
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
