import test, { type ExecutionContext } from 'ava';
import { node } from '../../server/onnx/builder.js';
import { applyFixes, doctor, type DoctorOptions } from '../../server/onnx/doctor/doctor.js';
import type { Finding } from '../../server/onnx/doctor/finding.js';
import type { OnnxModel } from '../../server/onnx/graph.js';
import { rewriteModel } from '../../server/onnx/rewrite.js';
import { retinaFace, scrfd } from './face-detectors.js';
import { convThen } from './models.js';
import { answersAlike, ints } from './rewriting.js';

const FAMILIES = { RetinaFace: retinaFace, SCRFD: scrfd } as const;
const SIZE = { width: 128, height: 96 };

const byRule = (findings: readonly Finding[], rule: Finding['rule']) =>
  findings.filter((finding) => finding.rule === rule);

/** Expects one finding of R20, and none of R3 about the same nodes. */
function heads(t: ExecutionContext, model: OnnxModel, options: DoctorOptions = {}): Finding | undefined {
  const findings = doctor(model, options);
  const [finding, ...others] = byRule(findings, 'R20');
  t.deepEqual(others, []);
  t.deepEqual(byRule(findings, 'R3'), []);
  return finding;
}

for (const [family, build] of Object.entries(FAMILIES)) {
  test(`R20: ${family} for another size is one finding, with all nine targets`, (t) => {
    const finding = heads(t, build({ width: 64, height: 64 }), SIZE);
    t.like(finding, { severity: 'warning', fixable: true, node: null });
    t.regex(finding?.message ?? '', new RegExp(`^${family}: 9 of its 9 head Reshapes hold the batch or size`));
    t.regex(finding?.message ?? '', /'bbox16.rows\/Reshape' target \[1, 32, 4\] -> \[0, 96, 4\]/);
    t.is(finding?.message.split('; ').length, 9);
  });

  test(`R20: ${family} for the size of its file tells of the batch`, (t) => {
    const finding = heads(t, build({ width: 64, height: 64 }));
    t.regex(finding?.message ?? '', /'bbox16.rows\/Reshape' target \[1, 32, 4\] -> \[0, 32, 4\]/);
  });

  test(`R20: the fix of ${family} is what the server does, and leaves a note`, async (t) => {
    const model = build({ width: 64, height: 64 });
    const { model: fixed } = applyFixes(model, SIZE);
    t.deepEqual(fixed, rewriteModel(model, SIZE).model);
    await answersAlike(t, fixed, build(SIZE), SIZE);
    const note = heads(t, fixed);
    t.like(note, { severity: 'info', fixable: false, fix: null });
    t.regex(note?.message ?? '', /hold the size of the export, 128x96/);
    t.deepEqual(
      doctor(fixed).filter(({ severity }) => severity !== 'info'),
      [],
    );
  });

  test(`R20: ${family} with -1 on the batch needs nothing at its own size, and is told of`, (t) => {
    const model = build({ width: 64, height: 64, style: 'open batch', input: ['batch', 3, 64, 64] });
    t.like(heads(t, model), { severity: 'info' });
    t.like(heads(t, model, SIZE), { severity: 'warning', fixable: true });
  });
}

test('R20: heads that follow by themselves are no finding of it', (t) => {
  const model = scrfd({ width: 64, height: 64, style: 'open cells', input: ['batch', 3, 64, 64] });
  const { model: fixed } = applyFixes(model, SIZE);
  t.deepEqual(byRule(doctor(fixed), 'R20'), []);
});

test('heads whose literals do not fit their own export are an error of R3', (t) => {
  const model = retinaFace({ width: 64, height: 64 });
  const wrong = model.graph.initializer.findIndex(({ name }) => name === 'ldm32.shape');
  model.graph.initializer[wrong] = ints('ldm32.shape', 3, 8, 10);
  const findings = doctor(model, SIZE);
  t.deepEqual(byRule(findings, 'R20'), []);
  t.like(byRule(findings, 'R3').at(0), { severity: 'error', node: "Reshape 'ldm32.rows/Reshape'" });
});

test('R20: another network with a channels-last Reshape is none of these', (t) => {
  const nodes = [
    node('Transpose', ['features'], ['last'], { perm: [0, 2, 3, 1] }),
    node('Reshape', ['last', 'target'], ['output']),
  ];
  const findings = doctor(convThen(nodes, [ints('target', 1, 16, 4)]));
  t.deepEqual(byRule(findings, 'R20'), []);
  t.is(byRule(findings, 'R3').length, 1);
});
