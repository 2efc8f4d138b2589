import { embedFrame, embedOptions } from './messages.js';
import { grey } from './pictures.js';
import { Serving } from './serving.js';
import { slowModel } from './tiny-models.js';
import type { Wire } from './wire-call.js';

/** Side of the pictures that the slow models take as they are. */
export const SIDE = 32;

/** A server of slow models of one instance, each with keys of its configuration beside the usual ones. */
export function serveSlow(
  models: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  flags: readonly string[] = [],
): Promise<Serving> {
  return Serving.start(async (repository) => {
    for (const [name, keys] of Object.entries(models)) {
      const config = {
        task: 'embedding',
        input: { width: SIDE, height: SIDE },
        max_batch_size: 1,
        postprocess: { normalize: false },
        instance_group: { count: 1, intra_op_thread_count: 1 },
        ...keys,
      };
      await repository.addModel(name, config, slowModel(SIDE, SIDE));
    }
  }, flags);
}

/** Keeps the one instance of a model at work for seconds, so that whatever comes meanwhile waits. */
export async function plug(serving: Serving, model: string, level = 255, wire: Wire = serving.wire) {
  const call = wire.embed();
  call.send(embedOptions({ model }), embedFrame(grey(level), { frameId: 'plug' }));
  await serving.metrics.untilBusy(model);
  return call;
}
