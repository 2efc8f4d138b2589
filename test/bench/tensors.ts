import { ServerProcess } from '../../clients/typescript/server-process.js';
import { median, ratios } from './figures.js';
import type { Aim, Report } from './report.js';
import { INSTANCES, type Settings } from './settings.js';
import { TensorLoop } from './tensor-loop.js';
import { tensorModels, tensorRepository, type TensorModel } from './tensor-models.js';
import { runTensors, type TensorRun, type TensorServer } from './tensor-server.js';

/** Requests in flight. */
const LOADS = [1, 8, 32] as const;
const LARGEST = 32;

/** Processes of the second Sluice: one for each of two cores. */
const PROCESSES = 2;

/** Ways to write the bare loop. */
const BATCHES = [1, 4] as const;

/** Share of the bare loop that serving the detector should keep at the largest load. */
const LOOP_AIM: Aim = { is: 'at least', value: 0.92 };

/** Shares of a peer's throughput that Sluice should reach, by model. */
const PEER_AIMS: Readonly<Record<TensorModel['name'], { readonly one: number; readonly several: number }>> = {
  detector: { one: 1, several: 1 },
  embedder: { one: 0.95, several: 0.95 },
  identity: { one: 0.5, several: 1 },
};

/** Milliseconds that Sluice may take longer than a peer with one request in flight. */
const LATENCY_AIM: Aim = { is: 'at most', value: 0.2 };

/** Tensors over KServe's protocol: Sluice in one process and in several, and a bare loop around ONNX Runtime. */
export async function tensors(report: Report, settings: Settings): Promise<void> {
  await tensorsBeside(report, settings, null);
}

/** As `tensors`, with another server of the same models in turn; null: none. */
export async function tensorsBeside(report: Report, settings: Settings, peer: TensorServer | null): Promise<void> {
  const models = tensorModels();
  await using repository = await tensorRepository(models);
  const start = (processes: number): Promise<ServerProcess> =>
    ServerProcess.start({ modelRepository: repository.directory, flags: ['--processes', String(processes)] });
  await using one = await start(1);
  await using several = await start(PROCESSES);
  const servers: TensorServer[] = [
    { name: 'sluice', grpcAddress: one.grpcAddress, pid: one.pid },
    { name: `sluice, ${PROCESSES} processes`, grpcAddress: several.grpcAddress, pid: several.pid },
    ...(peer === null ? [] : [peer]),
  ];
  for (const model of models) {
    await using loop = await TensorLoop.create(INSTANCES, model);
    const loopRuns = BATCHES.map((): number[] => []);
    const runs = LOADS.map(() => servers.map((): TensorRun[] => []));
    // Compiles what there is to compile, on both sides.
    for (const server of servers) await runTensors(server, model.name, LARGEST, settings.seconds);
    for (let repetition = 0; repetition < settings.repetitions; repetition++) {
      report.progress(`tensors, ${model.name}: ${repetition + 1} of ${settings.repetitions}`);
      // Alternating, so that what else the machine does meets all alike.
      for (const [index, load] of LOADS.entries()) {
        for (const [place, server] of servers.entries()) {
          runs[index]![place]!.push(await runTensors(server, model.name, load, settings.seconds));
        }
      }
      for (const [index, batch] of BATCHES.entries()) loopRuns[index]!.push(await loop.run(batch, settings.seconds));
    }
    reportModel(report, model.name, servers, runs, loopRuns);
  }
}

function reportModel(
  report: Report,
  model: TensorModel['name'],
  servers: readonly TensorServer[],
  runs: readonly (readonly (readonly TensorRun[])[])[],
  loopRuns: readonly (readonly number[])[],
): void {
  const add = (figure: string, unit: string, values: readonly number[], at: object, aim: Aim | null = null): void =>
    report.add({
      bench: 'tensors',
      figure,
      at: { model, ...at },
      unit,
      runs: values,
      ...(aim === null ? {} : { aim }),
    });
  BATCHES.forEach((batch, index) => add('bare loop', 'rows/s', loopRuns[index]!, { batch }));
  const bestLoop = loopRuns.reduce((best, each) => (median(each) > median(best) ? each : best));
  LOADS.forEach((load, index) => {
    const ofServer = runs[index]!;
    servers.forEach(({ name: server }, place) => {
      const of = (key: keyof TensorRun): number[] => ofServer[place]!.map((run) => run[key]);
      const at = { server, concurrency: load };
      add('throughput', 'requests/s', of('requestsPerSecond'), at);
      add('latency p50', 'ms', of('p50'), at);
      add('server CPU', 'us/request', of('serverCpu'), at);
      add('busy', 'cores', of('busyCores'), at);
      if (load === LARGEST && server.startsWith('sluice')) {
        const aim = model === 'detector' ? LOOP_AIM : null;
        add('served / bare loop', 'ratio', ratios(of('requestsPerSecond'), bestLoop), at, aim);
      }
    });
    comparePeer(servers, ofServer, load, model, add);
  });
  table(report, model, servers, runs, bestLoop);
}

/** The last server is the peer where there are more than Sluice's two. */
function comparePeer(
  servers: readonly TensorServer[],
  runs: readonly (readonly TensorRun[])[],
  load: number,
  model: TensorModel['name'],
  add: (figure: string, unit: string, values: readonly number[], at: object, aim: Aim) => void,
): void {
  const [one, several, peer] = runs;
  if (peer === undefined) return;
  const name = servers[2]!.name;
  [one!, several!].forEach((own, place) => {
    const at = { server: servers[place]!.name, concurrency: load };
    const value = place === 0 ? PEER_AIMS[model].one : PEER_AIMS[model].several;
    const pace = (run: readonly TensorRun[]): number[] => run.map(({ requestsPerSecond }) => requestsPerSecond);
    if (load > 1) add(`served / ${name}`, 'ratio', ratios(pace(own), pace(peer)), at, { is: 'at least', value });
    else {
      const added = own.map(({ p50 }, index) => p50 - peer[index]!.p50);
      add(`latency p50 over ${name}'s`, 'ms', added, at, LATENCY_AIM);
    }
  });
}

function table(
  report: Report,
  model: string,
  servers: readonly TensorServer[],
  runs: readonly (readonly (readonly TensorRun[])[])[],
  loop: readonly number[],
): void {
  const header = [model, ...LOADS.map((load) => `${load} in flight`)];
  const rows = servers.map(({ name }, place) => [
    name,
    ...LOADS.map((_, index) => {
      const of = (key: keyof TensorRun): number => median(runs[index]![place]!.map((run) => run[key]));
      const [pace, p50, cpu] = [of('requestsPerSecond'), of('p50'), of('serverCpu')];
      return `${pace.toFixed(0)}/s, ${p50.toFixed(2)} ms, ${cpu.toFixed(0)} us CPU`;
    }),
  ]);
  report.table(`${model}: requests a second, latency p50, CPU of the server a request`, header, [
    ...rows,
    ['bare loop', '', '', `${median(loop).toFixed(0)}/s`],
  ]);
}
