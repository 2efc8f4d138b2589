import { declaredShape, shapeText, type OnnxModel } from '../graph.js';
import { textInputs } from '../rewrite-texts.js';
import type { Finding } from './finding.js';
import { listedWeights, refusal } from './inputs.js';

const about = { rule: 'R4', node: null, fixable: false } as const;

/** R4 for models that read texts: [batch, length] of whole numbers, both open, and no weights among the inputs. */
export function checkTextInputs(model: OnnxModel): Finding[] {
  const listed = listedWeights(model);
  try {
    return [...listed, ...textInputs(model).flatMap(({ name, graph }) => fixedSizes(name, declaredShape(graph) ?? []))];
  } catch (cause) {
    return [...listed, refusal(cause, 'The server feeds tokens: INT64 or INT32, [batch, length].')];
  }
}

function fixedSizes(name: string, shape: NonNullable<ReturnType<typeof declaredShape>>): Finding[] {
  const [batch, length] = shape;
  const findings: Finding[] = [];
  if (typeof batch === 'number') {
    findings.push({
      ...about,
      severity: 'warning',
      message: `input '${name}' has a fixed batch of ${batch}: ${shapeText(shape)}`,
      why: 'The server can only serve it with a batch of 1, one text after the other.',
      fix: 'Export with dynamic_axes on dim 0 of every input and output.',
    });
  }
  if (typeof length === 'number') {
    findings.push({
      ...about,
      severity: 'info',
      message: `input '${name}' has a fixed length of ${length}: ${shapeText(shape)}`,
      why: `Every text costs as much as one of ${length} tokens.`,
      fix: `Export with dynamic_axes on dim 1, or set tokenizer.max_length to ${length} and padding to max_length.`,
    });
  }
  return findings;
}
