import { declaredShape, fedInputs, shapeText, type OnnxModel } from '../graph.js';
import { readsTexts } from '../rewrite-texts.js';
import type { Observation } from './finding.js';

const about = { rule: 'R4', node: null, fixable: false } as const;

/** R4 for models that read texts: [batch, length] of whole numbers, both open. */
export function checkTextInputs(model: OnnxModel): Observation[] {
  if (!readsTexts(model)) return [];
  const inputs = fedInputs(model.graph);
  return inputs.flatMap((input): Observation[] => {
    const shape = declaredShape(input) ?? [];
    const [batch, length] = shape;
    const observations: Observation[] = [];
    if (shape.length !== 2) {
      observations.push({
        ...about,
        severity: 'error',
        message: `input '${input.name}' is ${shapeText(declaredShape(input))}`,
        why: 'The server feeds tokens: INT64 or INT32, [batch, length].',
        fix: 'Export it so.',
      });
      return observations;
    }
    // R19 tells of the batches of several.
    if (typeof batch === 'number' && inputs.length === 1) {
      observations.push({
        ...about,
        severity: 'warning',
        message: `input '${input.name}' has a fixed batch of ${batch}: ${shapeText(shape)}`,
        why: 'The server can only serve it with a batch of 1, one text after the other.',
        fix: 'Export with dynamic_axes on dim 0 of every input and output.',
      });
    }
    if (typeof length === 'number') {
      observations.push({
        ...about,
        severity: 'info',
        message: `input '${input.name}' has a fixed length of ${length}: ${shapeText(shape)}`,
        why: `Every text costs as much as one of ${length} tokens.`,
        fix: `Export with dynamic_axes on dim 1, or set tokenizer.max_length to ${length} and padding to max_length.`,
      });
    }
    return observations;
  });
}
