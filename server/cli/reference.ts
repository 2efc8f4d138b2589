import { configReference, configSchemaFile } from '../config/config-reference.js';
import { tritonReference } from '../config/triton/triton-reference.js';
import { serverReference } from '../config/server-reference.js';
import { METHOD_GROUPS } from '../grpc/method-groups.js';
import { ENDPOINTS } from '../http/endpoints.js';
import { GPU_METRICS, METRICS, PROCESS_METRICS } from '../http/metric-definitions.js';
import { TRITON_GPU_METRICS, TRITON_METRICS } from '../http/triton-metric-definitions.js';

/** The generated pages: path from the root of the repository, and text. A test fails when a committed one is stale. */
export function referenceFiles(): ReadonlyMap<string, string> {
  const metrics = [METRICS, PROCESS_METRICS, GPU_METRICS, TRITON_METRICS, TRITON_GPU_METRICS].flatMap((table) =>
    Object.values(table),
  );
  return new Map([
    ['model-repo/CONFIG.md', configReference()],
    ['model-repo/config.schema.json', configSchemaFile()],
    ['model-repo/TRITON.md', tritonReference()],
    ['server/REFERENCE.md', serverReference({ methods: METHOD_GROUPS, endpoints: ENDPOINTS, metrics })],
  ]);
}
