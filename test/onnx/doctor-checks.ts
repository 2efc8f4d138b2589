import type { ExecutionContext } from 'ava';
import { applyFixes, doctor, type DoctorOptions } from '../../server/onnx/doctor/doctor.js';
import type { Finding, RuleName } from '../../server/onnx/doctor/finding.js';
import { declaredShape, fedInputs, type OnnxModel } from '../../server/onnx/graph.js';
import { decodeModelParts, encodeModel } from '../../server/onnx/model-file.js';
import { askOracle } from '../oracle/oracle.js';
import { difference, noise, rows, type Output } from './run-model.js';

export const byRule = (findings: readonly Finding[], rule: RuleName) =>
  findings.filter((finding) => finding.rule === rule);

/** A model as a file gives it: what a test has built may share what a file cannot. */
export function read(model: OnnxModel): OnnxModel {
  return decodeModelParts(encodeModel(model));
}

/** Expects exactly one finding of the rule, like `expected`, with all that people need to know. */
export function finds(
  t: ExecutionContext,
  model: OnnxModel,
  expected: Partial<Finding> & { readonly rule: RuleName },
  message: RegExp,
  options: DoctorOptions = {},
): void {
  const findings = byRule(doctor(read(model), options), expected.rule);
  t.is(findings.length, 1, JSON.stringify(findings, null, 2));
  const [finding] = findings;
  if (finding === undefined) return;
  t.like(finding, expected);
  t.regex(finding.message, message);
  t.not(finding.why, '');
  t.is(finding.place === null, finding.node === null);
}

/** An answer of Python's onnxruntime. */
export type Answer = Output & { readonly name: string };

interface Run {
  readonly model: number;
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** Asks Python's onnx and onnxruntime, which know nothing of this project. */
export function askPython(models: readonly OnnxModel[], runs: readonly Run[]) {
  const files = models.map((model) => Uint8Array.from(encodeModel(model)));
  return askOracle<{ problems: (string | null)[]; runs: Answer[][] }>('onnx_models.py', { models: files, runs });
}

export interface FixCheck {
  readonly options?: DoctorOptions;
  /** The rule whose findings must be gone. */
  readonly rule: RuleName;
  /** What the outputs of the fixed model should be for one picture, where they are others than before. */
  readonly expected?: (before: readonly Answer[]) => readonly Output[];
  /** @default 1e-6, relative to the largest number */
  readonly tolerance?: number;
  /** What the answers are held against. @default the model before the fix */
  readonly original?: OnnxModel;
}

/**
 * Fixes a model and holds it against the original in Python's onnxruntime: the checker takes it, it answers one picture as
 * the original does, and three at once as the original answers one by one; the doctor finds nothing of the rule any more,
 * and the fix, done again, nothing to do.
 */
export function fixes(t: ExecutionContext, built: OnnxModel, check: FixCheck): { model: OnnxModel; changes: string[] } {
  const original = read(check.original ?? built);
  const { model, changes } = applyFixes(read(built), check.options);
  const [input] = fedInputs(model.graph);
  const [, channels, height, width] = (input === undefined ? null : declaredShape(input)) as number[];
  const size = (channels ?? 0) * (height ?? 0) * (width ?? 0);
  const pictures = noise(3 * size);
  const runs = [0, 1, 2].map((index) => ({
    model: 0,
    dims: [1, channels ?? 0, height ?? 0, width ?? 0],
    data: pictures.slice(index * size, (index + 1) * size),
  }));
  const [first] = runs;
  const all = { model: 1, dims: [3, channels ?? 0, height ?? 0, width ?? 0], data: pictures };
  const { problems, runs: answers } = askPython(
    [original, model],
    [...runs, ...(first === undefined ? [] : [{ ...first, model: 1 }]), all],
  );
  t.is(problems[1], null, 'the checker takes the fixed model');
  const [alone = [], together = []] = answers.slice(3);
  for (const index of [0, 1, 2]) {
    const before = answers[index] ?? [];
    const expected = check.expected?.(before) ?? before;
    t.is(together.length, expected.length);
    for (const [place, output] of expected.entries()) {
      const [three, one] = [together[place], alone[place]];
      if (three === undefined || one === undefined) return (t.fail('an output is missing'), { model, changes });
      t.deepEqual(three.dims, [3, ...output.dims.slice(1)]);
      const off = difference(output.data, rows(three, index, index + 1));
      t.true(off <= (check.tolerance ?? 1e-6), `output ${place} of picture ${index} is off by ${off}`);
      if (index > 0) continue;
      t.deepEqual(one.dims, output.dims);
      const offAlone = difference(output.data, one.data);
      t.true(offAlone <= (check.tolerance ?? 1e-6), `output ${place} at batch 1 is off by ${offAlone}`);
    }
  }
  t.deepEqual(byRule(doctor(read(model), check.options), check.rule), []);
  t.deepEqual(applyFixes(read(model), check.options).changes, [], 'nothing is left to be fixed');
  return { model, changes };
}
