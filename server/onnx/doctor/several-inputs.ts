import { declaredShape, fedInputs, shapeText, type OnnxModel } from '../graph.js';
import type { Observation } from './finding.js';

const about = { rule: 'R19', node: null, fixable: false } as const;

/** R19: a batch that is open, and called the same, on every one of several inputs. */
export function checkSeveralInputs(model: OnnxModel): Observation[] {
  const inputs = fedInputs(model.graph);
  if (inputs.length < 2) return [];
  const names = inputs.map((input) => `'${input.name}' ${shapeText(declaredShape(input))}`).join(', ');
  const batches = new Set(inputs.map((input) => declaredShape(input)?.[0] ?? null));
  const isOpen = [...batches].every((batch) => typeof batch === 'string');
  const findings: Observation[] = [
    {
      ...about,
      severity: 'info',
      message: `it has ${inputs.length} inputs: ${names}`,
      why: 'Pictures for calibrating 8 bits go by the name of the input, and each input has a profile of its own.',
      fix: null,
    },
  ];
  if (isOpen && batches.size === 1) return findings;
  findings.push({
    ...about,
    severity: 'warning',
    message: isOpen
      ? `its inputs call the batch differently: ${[...batches].join(', ')}`
      : `the batch is not open on every input: ${names}`,
    why: 'Requests can be grouped only where all inputs grow together.',
    fix: 'Export with dynamic_axes on dim 0 of every input, by one name.',
  });
  return findings;
}
