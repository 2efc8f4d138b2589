import { configReference, configSchemaFile } from '../config/config-reference.js';
import { serverReference } from '../config/server-reference.js';
import { ENDPOINTS } from '../http/endpoints.js';
import { METRICS } from '../http/metric-definitions.js';

/** The generated pages: path from the root of the repository, and text. A test fails when a committed one is stale. */
export function referenceFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['model-repo/CONFIG.md', configReference()],
    ['model-repo/config.schema.json', configSchemaFile()],
    ['server/REFERENCE.md', serverReference({ endpoints: ENDPOINTS, metrics: Object.values(METRICS) })],
  ]);
}
