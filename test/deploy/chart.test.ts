import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse } from 'yaml';
import { CHART, deployTool, missingTools, problemsOf, rendered, runTool, template } from './deploy-tools.js';

const chartTest = missingTools === null ? test : test.skip;
const reason = missingTools === null ? '' : ` (${missingTools})`;

const TLS = ['tls.secretName=sluice-tls', 'tls.mutual=true'];

/** Settings of all sorts, each with the number of documents that come of them. */
const VARIANTS: readonly [title: string, values: readonly string[], documents: number][] = [
  ['as it is', [], 6],
  ['on GPUs', ['gpu.enabled=true', 'gpu.runtimeClassName=nvidia', 'rollout.maxSurge=0', 'rollout.maxUnavailable=1'], 6],
  ['on MIG slices', ['gpu.enabled=true', 'gpu.resource=nvidia.com/mig-1g.10gb', 'gpu.count=2'], 6],
  ['that scales', ['autoscaling.enabled=true'], 7],
  ['that is monitored', ['monitoring.serviceMonitor=true', 'monitoring.alerts=true', 'monitoring.labels.team=a'], 8],
  ['with TLS and tokens', [...TLS, 'tokens.secretName=sluice-tokens'], 6],
  ['with models of a claim', ['modelRepository.claimName=models', 'modelRepository.subPath=faces'], 6],
  ['with models of an init container', ['modelRepository.initContainer.image=fetch:1'], 6],
  [
    'with a model of a ConfigMap',
    ['modelRepository.configMap.name=m', 'modelRepository.configMap.files.a=m/config.yaml'],
    6,
  ],
  ['without a network policy', ['networkPolicy.enabled=false', 'engineCache.claimName=plans', 'server.processes=4'], 5],
  [
    'with all that is passed on',
    ['podLabels.a=b', 'podAnnotations.a=b', 'nodeSelector.a=b', 'image.pullSecrets[0].name=a'],
    6,
  ],
];

for (const [title, values, documents] of VARIANTS) {
  chartTest(`a chart ${title} is what Kubernetes takes${reason}`, async (t) => {
    t.deepEqual(await problemsOf(await rendered(...values)), { problems: [], checked: documents });
  });
}

chartTest(`helm finds nothing to complain of in the chart${reason}`, async (t) => {
  const { code, stdout, stderr } = await runTool(deployTool('helm'), ['lint', '--strict', CHART]);
  t.is(code, 0, stdout + stderr);
});

/** Slips of the pen, each made in a document that is right. */
const SLIPS: readonly [title: string, from: string, to: string, told: RegExp][] = [
  [
    'a field that does not exist',
    'readOnlyRootFilesystem:',
    'readOnlyRootFileSystem:',
    /Deployment sluice: .*readOnlyRootFileSystem/,
  ],
  ['a number that is none', 'minReadySeconds: 10', 'minReadySeconds: ten', /Deployment sluice: .*minReadySeconds.*ten/],
  ['a kind that does not exist', 'kind: PodDisruptionBudget', 'kind: PodDisruptionBudgets', /PodDisruptionBudgets/],
  ['a version that is gone', 'apiVersion: autoscaling/v2', 'apiVersion: autoscaling/v2beta2', /autoscaling\/v2beta2/],
  ['a field that a ServiceMonitor does not have', 'endpoints:', 'endpoint:', /ServiceMonitor: .*endpoint/],
  [
    'a field that an alert does not have',
    'annotations:\n        description',
    'anotations:\n        description',
    /anotations/,
  ],
];

for (const [title, from, to, told] of SLIPS) {
  chartTest(`${title} is found${reason}`, async (t) => {
    const right = await rendered(
      'autoscaling.enabled=true',
      'monitoring.serviceMonitor=true',
      'monitoring.alerts=true',
    );
    t.true(right.includes(from));
    const { problems } = await problemsOf(right.replace(from, to));
    t.is(problems.length, 1, problems.join('\n'));
    t.regex(problems[0]!, told);
  });
}

for (const [value, told] of [
  ['gpu.enabled=yes', /\/gpu\/enabled.*boolean/],
  ['shutdown.drainDelay=-1', /drainDelay.*minimum/],
  ['tls.secret=sluice-tls', /'secret' not allowed/],
  ['server.extraArgs={threads=2}', /extraArgs/],
  ['modelRepository.claimName=a,modelRepository.configMap.name=b', /set one of claimName/],
] as const) {
  chartTest(`the value ${value} is refused with the reason${reason}`, async (t) => {
    const { code, stderr } = await template(['--set', value]);
    t.not(code, 0);
    t.regex(stderr, told);
  });
}

test('every value of the chart has its place in the schema', async (t) => {
  const values = parse(await readFile(join(CHART, 'values.yaml'), 'utf8')) as object;
  const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8')) as Schema;
  t.deepEqual(unknownTo(schema, values, 'values'), []);
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}

/** Keys of values that the schema does not name, where it lets no others through. */
function unknownTo({ properties, additionalProperties }: Schema, value: unknown, path: string): string[] {
  if (properties === undefined || typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const schema = properties[key];
    if (schema !== undefined) return unknownTo(schema, inner, `${path}.${key}`);
    return additionalProperties === false ? [`${path}.${key}`] : [];
  });
}
