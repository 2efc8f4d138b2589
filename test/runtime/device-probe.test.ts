import test from 'ava';
import { chooseDevices } from '../../server/runtime/device-choice.js';
import { askForDevices, type DeviceReport } from '../../server/runtime/device-probe.js';
import { fakeAddon, FOR_EVER, found, gpu, INFO, none } from '../support/fake-gpu.js';
import { makeConfig } from '../support/requests.js';
import { ScratchDirectory } from '../support/scratch-directory.js';

async function ask(devices: string, timeLimit?: number): Promise<DeviceReport> {
  await using scratch = await ScratchDirectory.create();
  return await askForDevices(await fakeAddon(scratch, { devices }), timeLimit);
}

const reason = (report: DeviceReport) => (report.kind === 'none' ? report.reason : 'found');

test('the GPUs that the addon shows are found', async (t) => {
  t.deepEqual(await ask(`return ${JSON.stringify([gpu(0), gpu(1)])};`), {
    kind: 'found',
    info: INFO,
    devices: [gpu(0), gpu(1)],
  });
});

test('without the addon, a driver or a GPU there is none, and why', async (t) => {
  t.regex(reason(await askForDevices(null)), /the GPU addon is not built; `make native`/);
  const failing = "throw Object.assign(new Error('no driver'), { code: 'DEVICE_UNAVAILABLE' });";
  t.is(reason(await ask(failing)), 'no driver');
  t.is(reason(await ask('return [];')), 'CUDA shows no GPU');
});

test('a driver that crashes or hangs means that there is none', async (t) => {
  t.regex(reason(await ask(`process.kill(process.pid, 'SIGABRT'); ${FOR_EVER}`)), /crashed \(SIGABRT\)/);
  t.is(reason(await ask(FOR_EVER, 700)), 'the GPU driver did not answer within 0.7 seconds');
});

const choose = (group: object, report: DeviceReport | null) =>
  chooseDevices(makeConfig({ instance_group: group }), async () => {
    if (report === null) throw new Error('nobody was to be asked');
    return report;
  });

const indices = async (group: object, report: DeviceReport) => {
  const choice = await choose(group, report);
  return choice.kind === 'gpu' ? choice.devices.map(({ index }) => index) : choice.reason;
};

test('KIND_CPU runs on the CPU, and nobody is asked for GPUs', async (t) => {
  t.deepEqual(await choose({ kind: 'KIND_CPU' }, null), { kind: 'cpu', reason: null });
});

test('KIND_AUTO runs on all GPUs, or on the CPU, knowing why', async (t) => {
  t.deepEqual(await indices({}, found(gpu(0), gpu(1))), [0, 1]);
  t.is(await indices({}, none('no driver')), 'no driver');
  t.is(await indices({ gpus: [1] }, none('no driver')), 'no driver');
});

test('models whose tensors have no meaning run on GPUs too', async (t) => {
  const config = makeConfig({ task: 'tensors', input: undefined });
  t.is((await chooseDevices(config, async () => found(gpu(0)))).kind, 'gpu');
});

test('KIND_GPU runs on GPUs or not at all', async (t) => {
  t.deepEqual(await indices({ kind: 'KIND_GPU' }, found(gpu(0))), [0]);
  await t.throwsAsync(choose({ kind: 'KIND_GPU' }, none('no driver')), {
    code: 'DEVICE_UNAVAILABLE',
    message: 'instance_group.kind is KIND_GPU, and no GPU can be used: no driver',
  });
});

test('the GPUs that are named are used in that order, and those that are not there are told', async (t) => {
  const three = found(gpu(0), gpu(1), gpu(2, 'Other'));
  t.deepEqual(await indices({ gpus: [2, 0] }, three), [2, 0]);
  await t.throwsAsync(choose({ gpus: [0, 3, 7] }, three), {
    code: 'CONFIG_INVALID',
    message: 'instance_group.gpus names 3, 7; there are 0 (Fake 100), 1 (Fake 100), 2 (Other)',
  });
});
