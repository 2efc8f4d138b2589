import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test from 'ava';
import { Command } from 'commander';
import { parse, parseAllDocuments } from 'yaml';
import { ServerProcess } from '../../clients/typescript/server-process.js';
import { SERVICE_CONFIG } from '../../clients/typescript/service-config.js';
import { addServerOptions, resolveServerOptions, type FlagValues } from '../../server/config/server-options.js';
import { eventually } from '../support/eventually.js';
import { HealthClient } from '../support/health-client.js';
import { TestRepository } from '../support/test-repository.js';
import { meansModel } from '../support/tiny-models.js';
import { missingTools, problemsOf, rendered } from './deploy-tools.js';
import { readDockerfile, variablesOf } from './dockerfile.js';
import { kustomized } from './kustomized.js';
import { MANIFESTS } from './manifests.js';

/** What the chart and the manifests say of the server, held against the server. */

const chartTest = missingTools === null ? test : test.skip;
const reason = missingTools === null ? '' : ` (${missingTools})`;

const EVERYTHING = [
  'autoscaling.enabled=true',
  'monitoring.serviceMonitor=true',
  'monitoring.alerts=true',
  'tls.secretName=sluice-tls',
  'tls.mutual=true',
  'tokens.secretName=sluice-tokens',
  'server.processes=2',
];

interface Container {
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string };
  readonly grpc?: { readonly port: number };
}

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
}

function podOf(documents: string): PodSpec {
  const objects = parseAllDocuments(documents).map((document) => document.toJS() as { kind: string; spec: unknown });
  const { spec } = objects.find(({ kind }) => kind === 'Deployment')!;
  return (spec as { template: { spec: PodSpec } }).template.spec;
}

/** The options that the server runs with in the pod: the flags of the manifest, the variables of the image. */
async function optionsOf({ args }: Container) {
  const [command, ...flags] = args;
  if (command !== 'serve') throw new Error(`the command is ${command}`);
  const program = addServerOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  program.parse(flags, { from: 'user' });
  return resolveServerOptions(program.opts<FlagValues>(), variablesOf(await readDockerfile(), 'cpu'));
}

for (const [title, values] of [
  ['by default', []],
  ['with everything', EVERYTHING],
] as const) {
  chartTest(`the flags of the chart ${title} are options of the server, with values it takes${reason}`, async (t) => {
    const { containers, volumes } = podOf(await rendered(...values));
    const [server] = containers;
    const options = await optionsOf(server!);
    t.deepEqual(
      server!.ports.map(({ containerPort }) => containerPort),
      [options.grpcAddress.port, options.httpAddress.port],
    );
    const mounts = server!.volumeMounts.map(({ mountPath }) => mountPath);
    t.true(mounts.includes(options.modelRepository));
    t.true(mounts.includes(dirname(options.engineCache)));
    t.true(mounts.includes('/tmp'));
    t.deepEqual(server!.volumeMounts.map(({ name }) => name).sort(), volumes.map(({ name }) => name).sort());
  });
}

chartTest(`a flag that the server does not have is found${reason}`, async (t) => {
  const [server] = podOf(await rendered('server.extraArgs={--drain-dealy=1}')).containers;
  await t.throwsAsync(optionsOf(server!), { message: /--drain-dealy/ });
});

for (const values of [
  [],
  ['shutdown.preStop=1', 'shutdown.drainDelay=0', 'shutdown.exitTimeout=0', 'shutdown.margin=5'],
  ['shutdown.preStop=20', 'shutdown.drainDelay=30', 'shutdown.exitTimeout=600'],
]) {
  const title = values.length === 0 ? 'as it is' : values.join(' ');
  chartTest(
    `the grace period covers preStop, delay, time-out and the freeing of models: ${title}${reason}`,
    async (t) => {
      const { containers, terminationGracePeriodSeconds: grace } = podOf(await rendered(...values));
      const [server] = containers;
      const { drainDelay, exitTimeout } = await optionsOf(server!);
      // 5: what several processes are given beyond their time-out before they are killed.
      t.true(grace >= server!.lifecycle.preStop.sleep.seconds + drainDelay + exitTimeout + 5, `${grace}`);
    },
  );
}

chartTest(`a server with the flags of the chart answers its probes, and drains as they expect${reason}`, async (t) => {
  const [container] = podOf(await kustomized('gpu', ['autoscaling'])).containers;
  await using repository = await configMapRepository();
  const { args } = container!;
  const flags = args.slice(1).map((flag) => flag.replace(/^--drain-delay=.*/, '--drain-delay=600'));
  await using server = await ServerProcess.start({ modelRepository: repository.directory, flags });
  using health = new HealthClient(server.grpcAddress);
  const probe = async ({ httpGet, grpc }: Probe): Promise<boolean> => {
    if (grpc !== undefined) return (await health.check('')) === 'SERVING';
    return (await fetch(`http://${server.httpAddress}${httpGet!.path}`)).ok;
  };
  const [withTls] = podOf(await rendered('tls.secretName=sluice-tls')).containers;
  t.deepEqual(container!.readinessProbe.grpc, { port: 8001 });
  t.is(withTls!.readinessProbe.grpc, undefined);
  const { startupProbe, livenessProbe } = container!;
  const readiness = [container!.readinessProbe, withTls!.readinessProbe];
  for (const one of [startupProbe, livenessProbe, ...readiness]) t.true(await probe(one), JSON.stringify(one));
  server.signal('SIGTERM');
  const watch = health.watch('');
  await eventually('it tells', () => watch.now === 'NOT_SERVING');
  t.true(await probe(livenessProbe), 'it is not restarted');
  for (const one of readiness) t.false(await probe(one), JSON.stringify(one));
  server.signal('SIGTERM');
});

chartTest(`the autoscaler asks for the metric that the adapter makes of the server's own${reason}`, async (t) => {
  await using repository = await configMapRepository();
  await using server = await ServerProcess.start({ modelRepository: repository.directory });
  const metrics = await (await fetch(`http://${server.httpAddress}/metrics`)).text();
  const text = await readFile(join(MANIFESTS, 'prometheus-adapter.yaml'), 'utf8');
  const { rules } = parse(text) as { rules: { name: { as: string }; seriesQuery: string; metricsQuery: string }[] };
  t.is(rules.length, 1);
  const { name, seriesQuery, metricsQuery } = rules[0]!;
  const chart = await rendered('autoscaling.enabled=true');
  t.deepEqual(
    [...chart.matchAll(/metric: \{ name: (\S+) \}/g)].map(([, metric]) => metric),
    [name.as],
  );
  const series = [...`${seriesQuery}\n${metricsQuery}`.matchAll(/\b(sluice_[a-z_]+)\{([^}]*)\}/g)];
  t.is(series.length, 3);
  for (const [, metric, matchers] of series) {
    const [, phase] = /phase="(\w+)"/.exec(matchers!) ?? [];
    const line = metrics.split('\n').find((one) => one.startsWith(`${metric}{`) && one.includes(`phase="${phase}"`));
    t.truthy(line, `the server has no ${metric} of the phase ${phase}`);
  }
});

chartTest(`the alerts of the chart are those of deploy/prometheus${reason}`, async (t) => {
  const documents = parseAllDocuments(await rendered('monitoring.alerts=true'));
  const objects = documents.map((document) => document.toJS() as { kind: string; spec: unknown });
  const alerts = await readFile(join('deploy', 'prometheus', 'sluice-alerts.yaml'), 'utf8');
  t.deepEqual(objects.find(({ kind }) => kind === 'PrometheusRule')?.spec, parse(alerts));
});

chartTest(`with tokens, Prometheus is given one${reason}`, async (t) => {
  const tokens = ['tokens.secretName=sluice-tokens', 'tokens.scrapeKey=prometheus'];
  const text = await rendered('monitoring.serviceMonitor=true', ...tokens);
  t.deepEqual(await problemsOf(text), { problems: [], checked: 7 });
  t.regex(text, /authorization: \{ credentials: \{ name: sluice-tokens, key: prometheus \} \}/);
});

test('the service config in deploy/README.md is that of the TypeScript client', async (t) => {
  const [, json] = /```json\n([^]*?)```/.exec(await readFile(join('deploy', 'README.md'), 'utf8')) ?? [];
  t.deepEqual(JSON.parse(json!), SERVICE_CONFIG);
});

/** A repository as a ConfigMap's volume is one: every path goes through a link to a hidden directory. */
async function configMapRepository(): Promise<TestRepository> {
  const repository = await TestRepository.create();
  const data = '..2026_01_01_00_00_00.1';
  const files = new Map<string, Uint8Array | string>([
    ['means/config.yaml', 'task: embedding\ninput: { width: 8, height: 8 }\ninstance_group: { count: 1 }\n'],
    ['means/1/model.onnx', meansModel(8, 8)],
  ]);
  for (const [path, content] of files) {
    await mkdir(dirname(join(repository.directory, data, path)), { recursive: true });
    await writeFile(join(repository.directory, data, path), content);
  }
  await symlink(data, join(repository.directory, '..data'));
  await symlink(join('..data', 'means'), join(repository.directory, 'means'));
  return repository;
}
