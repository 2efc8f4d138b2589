import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { parse, parseAllDocuments } from 'yaml';
import { CHART, missingTools, problemsOf } from './deploy-tools.js';
import { MANIFESTS, renderManifests } from './manifests.js';
import { kustomized } from './kustomized.js';

const manifestsTest = missingTools === null ? test : test.skip;
const reason = missingTools === null ? '' : ` (${missingTools})`;

manifestsTest(
  `the plain manifests are what the chart renders; \`make manifests\` writes them anew${reason}`,
  async (t) => {
    for (const [path, text] of await renderManifests()) t.is(await readFile(path, 'utf8'), text, path);
  },
);

test('alerts are written once, in deploy/prometheus: the chart has a link, and the manifests have what it renders', async (t) => {
  const source = join('deploy', 'prometheus', 'sluice-alerts.yaml');
  t.is(await realpath(join(CHART, 'files', 'sluice-alerts.yaml')), await realpath(source));
  const manifest = await readFile(join(MANIFESTS, 'monitoring', 'alerts.yaml'), 'utf8');
  t.deepEqual((parse(manifest) as { spec: unknown }).spec, parse(await readFile(source, 'utf8')));
});

test('every manifest is a resource of the kustomization beside it', async (t) => {
  for (const folder of ['base', 'autoscaling', 'monitoring']) {
    const files = (await readdir(join(MANIFESTS, folder))).filter((file) => file !== 'kustomization.yaml').sort();
    const text = await readFile(join(MANIFESTS, folder, 'kustomization.yaml'), 'utf8');
    t.deepEqual((parse(text) as { resources: string[] }).resources, files, folder);
  }
});

for (const [title, folder, components, documents] of [
  ['on the CPU', 'base', [], 6],
  ['on GPUs', 'gpu', [], 6],
  ['on GPUs that scales and is monitored', 'gpu', ['autoscaling', 'monitoring'], 9],
] as const) {
  manifestsTest(`kustomize puts together a server ${title} that Kubernetes takes${reason}`, async (t) => {
    const text = await kustomized(folder, components);
    t.deepEqual(await problemsOf(text), { problems: [], checked: documents });
    const objects = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
    const deployment = objects.find(({ kind }) => kind === 'Deployment')!;
    t.is(deployment.spec.replicas, (components as readonly string[]).includes('autoscaling') ? undefined : 2);
    const [server] = deployment.spec.template.spec.containers;
    t.is(server!.image, folder === 'gpu' ? 'sluice:0.1.0-gpu' : 'sluice:0.1.0-cpu');
    t.is(server!.resources.limits['nvidia.com/gpu'], folder === 'gpu' ? 1 : undefined);
    t.is(server!.resources.limits['memory'], '4Gi');
    for (const { kind, metadata } of objects) t.is(metadata.namespace, 'sluice', kind);
  });
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly replicas?: number;
    readonly template: { readonly spec: { readonly containers: readonly Container[] } };
  };
}

interface Container {
  readonly image: string;
  readonly resources: { readonly limits: Readonly<Record<string, unknown>> };
}
