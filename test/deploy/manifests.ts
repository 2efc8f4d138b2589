import { join } from 'node:path';
import { template } from './deploy-tools.js';

export const MANIFESTS = join('deploy', 'kubernetes');

/** Where each template of the chart goes, below deploy/kubernetes. */
const FOLDERS: Readonly<Record<string, string>> = {
  'alerts.yaml': 'monitoring',
  'autoscaler.yaml': 'autoscaling',
  'service-monitor.yaml': 'monitoring',
};

const HEAD = '# Rendered from deploy/helm/sluice by `make manifests`; what is changed here is lost.\n';

/** The plain manifests, as the chart has them: text by path. */
export async function renderManifests(): Promise<Map<string, string>> {
  const fixed = await renderTemplates([]);
  // With the autoscaler on, the Deployment says no number.
  const scaled = await renderTemplates(['--set', 'autoscaling.enabled=true']);
  const files = new Map([...scaled, ...fixed]);
  return new Map([...files].map(([file, text]) => [join(MANIFESTS, FOLDERS[file] ?? 'base', file), HEAD + text]));
}

async function renderTemplates(flags: readonly string[]): Promise<Map<string, string>> {
  const { code, stdout, stderr } = await template(['--values', join(MANIFESTS, 'values.yaml'), ...flags]);
  if (code !== 0) throw new Error(stderr);
  const files = stdout.split(/^---\n/m).map((part) => /^# Source: \S+\/templates\/(\S+)\n([^]*)$/.exec(part));
  return new Map(files.flatMap((found) => (found === null ? [] : [[found[1]!, found[2]!]])));
}
