import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deployTool, runTool } from './deploy-tools.js';
import { MANIFESTS } from './manifests.js';

/** `base` or `gpu` with components, as a kustomization of one's own has them. */
export async function kustomized(folder: string, components: readonly string[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-kustomize-'));
  try {
    await cp(MANIFESTS, join(directory, 'kubernetes'), { recursive: true });
    const lines = [
      'apiVersion: kustomize.config.k8s.io/v1beta1',
      'kind: Kustomization',
      `resources: [kubernetes/${folder}]`,
      `components: [${components.map((name) => `kubernetes/${name}`).join(', ')}]`,
    ];
    await writeFile(join(directory, 'kustomization.yaml'), lines.join('\n'));
    const { code, stdout, stderr } = await runTool(deployTool('kustomize'), ['build', directory]);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
