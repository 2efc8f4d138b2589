import { join } from 'node:path';
import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';
import { Serving } from './serving.js';
import type { TestRepository } from './test-repository.js';
import type { BatchCommand, LoadCommand } from './worker-double.js';

/** A real server whose instance workers are the double of worker-double.ts: what a GPU does, without one. */
export function serveDoubles(
  models: Readonly<Record<string, readonly LoadCommand[]>>,
  flags: readonly string[] = [],
): Promise<Serving> {
  const preload = new URL('./doubled-workers-preload.js', import.meta.url);
  return Serving.start(
    async (repository) => {
      for (const [name, plan] of Object.entries(models)) await addDouble(repository, name, plan);
    },
    flags,
    { NODE_OPTIONS: `--import ${preload.href}` },
  );
}

/** An embedder of one instance whose loads go as `plan` says, one line each; beyond it they succeed. */
export async function addDouble(
  repository: TestRepository,
  name: string,
  plan: readonly LoadCommand[] = [],
): Promise<void> {
  // A directory in place of the model file is looked into for one.
  await repository.write(join(name, '1', 'model.onnx', 'model.onnx', 'plan'), plan.join('\n'));
  await repository.configure(name, {
    task: 'embedding',
    input: { width: 8, height: 8 },
    max_batch_size: 1,
    instance_group: { count: 1 },
  });
}

/** A picture whose bytes are a command for the double. */
export function command(text: BatchCommand): RawPixels {
  const data = Buffer.from(text);
  return { format: PixelFormat.PIXEL_FORMAT_GRAY8, width: data.length, height: 1, data };
}
