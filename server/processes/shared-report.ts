import type { ModelState } from '../core/model-state.js';
import { mergeRecentErrors } from '../core/recent-errors.js';
import type { ModelReport, ServerReport, VersionReport } from '../http/server-status.js';

/** The state of a version is that of the process that has come least far with it. */
const FURTHEST_LAST: readonly ModelState[] = ['UNAVAILABLE', 'LOADING', 'UNLOADING', 'READY'];

/** What the processes of a server tell, as one: models by name, instances of all of them. */
export function sharedReport(reports: readonly ServerReport[]): ServerReport {
  const models = new Map<string, ModelReport>();
  for (const model of reports.flatMap((report) => report.models)) {
    const other = models.get(model.name);
    models.set(model.name, other === undefined ? model : mergeModels(other, model));
  }
  return {
    models: [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    errors: mergeRecentErrors(reports.map(({ errors }) => errors)),
  };
}

function mergeModels(one: ModelReport, other: ModelReport): ModelReport {
  const versions = new Map(one.versions.map((version) => [version.version, version]));
  for (const version of other.versions) {
    const before = versions.get(version.version);
    versions.set(version.version, before === undefined ? version : mergeVersions(before, version));
  }
  const ascending = [...versions.values()].sort((a, b) => a.version - b.version);
  return { name: one.name, task: one.task ?? other.task, versions: ascending };
}

function mergeVersions(one: VersionReport, other: VersionReport): VersionReport {
  const [least] = [one, other].sort((a, b) => FURTHEST_LAST.indexOf(a.state) - FURTHEST_LAST.indexOf(b.state));
  return {
    ...least!,
    reason: least!.reason ?? one.reason ?? other.reason,
    devices: [...one.devices, ...other.devices],
  };
}
