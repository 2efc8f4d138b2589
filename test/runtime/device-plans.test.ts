import test from 'ava';
import { DevicePlans } from '../../server/runtime/device-plans.js';
import type { CachedEngine } from '../../server/runtime/engine-cache.js';
import type { GpuDevice } from '../../server/runtime/native-gpu.js';
import { gpuPlacements } from '../../server/runtime/placement.js';
import { gpu } from '../support/fake-gpu.js';
import { makeConfig } from '../support/requests.js';

/** Plans that are there or not, and which of them are held. */
class Shelf {
  readonly fetched: number[] = [];
  readonly held = new Set<string>();

  fetch = async (device: GpuDevice): Promise<CachedEngine> => {
    this.fetched.push(device.index);
    const key = device.name;
    this.held.add(key);
    return {
      key,
      planFile: `${key}.plan`,
      weightsFile: null,
      sidecar: {} as CachedEngine['sidecar'],
      [Symbol.asyncDispose]: async () => void this.held.delete(key),
    };
  };
}

const byName = ({ name }: GpuDevice) => name;
const MIXED = [gpu(0, 'A'), gpu(2, 'B'), gpu(3, 'A')];

test('GPUs of the same kind share a plan that is fetched once, and each keeps its own index', async (t) => {
  const shelf = new Shelf();
  const plans = await DevicePlans.collect(MIXED, byName, shelf.fetch);
  t.deepEqual(shelf.fetched, [0, 2]);
  t.deepEqual(plans?.plans, [
    { device: 0, planFile: 'A.plan', weightsFile: null },
    { device: 2, planFile: 'B.plan', weightsFile: null },
    { device: 3, planFile: 'A.plan', weightsFile: null },
  ]);
  t.deepEqual([...shelf.held], ['A', 'B']);
  await plans?.[Symbol.asyncDispose]();
  t.deepEqual([...shelf.held], []);
});

test('each GPU gets as many instances as the configuration says, the GPUs taking turns', async (t) => {
  const plans = await DevicePlans.collect(MIXED, byName, new Shelf().fetch);
  const placements = gpuPlacements(makeConfig({ instance_group: { count: 2 } }), plans?.plans ?? []);
  t.deepEqual(
    placements.map((placement) => placement.kind === 'gpu' && [placement.device, placement.planFile]),
    [
      [0, 'A.plan'],
      [2, 'B.plan'],
      [3, 'A.plan'],
      [0, 'A.plan'],
      [2, 'B.plan'],
      [3, 'A.plan'],
    ],
  );
});

test('when one plan is missing or cannot be had, the others are not held', async (t) => {
  for (const end of ['missing', 'failed'] as const) {
    const shelf = new Shelf();
    const collected = DevicePlans.collect(MIXED, byName, async (device) => {
      if (device.name === 'A') return shelf.fetch(device);
      if (end === 'failed') throw new Error('no room');
      return null;
    });
    if (end === 'failed') await t.throwsAsync(collected, { message: 'no room' });
    else t.is(await collected, null);
    t.deepEqual([...shelf.held], [], end);
  }
});
