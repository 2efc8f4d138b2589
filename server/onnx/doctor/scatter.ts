import type { OnnxModel } from '../graph.js';
import type { Observation } from './finding.js';
import { OriginTracer } from './origins.js';
import { allNodes } from './places.js';

const SCATTERS: ReadonlySet<string> = new Set(['ScatterND', 'ScatterElements', 'Scatter']);

/** R6: values written into slices of a tensor, which exporters turn into scattering. */
export function checkScatter(model: OnnxModel): Observation[] {
  const tracer = new OriginTracer(model);
  return allNodes(model.graph)
    .filter(({ opType, input }) => SCATTERS.has(opType) && !tracer.dependsOnData(input[1] ?? ''))
    .map((node) => ({
      rule: 'R6',
      severity: 'warning',
      node,
      message: 'it writes to places that are always the same: y[..., a:b] = ... in the network',
      why: 'It copies the whole tensor, keeps what is around it from being fused, and needs TensorRT 8.2 or newer.',
      fix: 'Compute the parts apart and put them together with torch.cat.',
      fixable: false,
    }));
}
