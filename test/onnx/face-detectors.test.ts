import test from 'ava';
import { declaredShape } from '../../server/onnx/graph.js';
import { rewriteModel } from '../../server/onnx/rewrite.js';
import { retinaFace, scrfd, type TargetStyle } from './face-detectors.js';
import { answersAlike, answersAsExportedFor, answersAsOneByOne } from './rewriting.js';

const FAMILIES = { RetinaFace: { build: retinaFace, columns: 16 }, SCRFD: { build: scrfd, columns: 15 } } as const;
const STYLES: readonly TargetStyle[] = ['literal', 'open batch', 'open cells'];
/** Larger, smaller, of another shape, and of as many pixels as the export: width x height. */
const SIZES = [
  [128, 96],
  [32, 32],
  [64, 32],
  [32, 128],
  [64, 64],
] as const;
const anchors = (width: number, height: number) => (2 * width * height * (1 / 64 + 1 / 256 + 1 / 1024)) | 0;

for (const [family, { build, columns }] of Object.entries(FAMILIES)) {
  for (const style of STYLES) {
    test(`${family}, exported with ${style} targets, answers other sizes and batches as exported for them`, async (t) => {
      const model = build({ width: 64, height: 64, style });
      for (const [width, height] of SIZES) {
        const size = { width, height };
        await answersAsExportedFor(t, model, size, () => build({ ...size, style }));
        const { graph } = rewriteModel(model, size).model;
        t.deepEqual(graph.output.map(declaredShape), [['batch', anchors(width, height), columns]]);
      }
    });

    test(`${family}, exported with ${style} targets for a batch of 5, answers as exported for one of 1`, async (t) => {
      const model = build({ width: 64, height: 96, batch: 5, style });
      for (const [width, height] of [
        [96, 64],
        [64, 96],
      ] as const) {
        await answersAsExportedFor(t, model, { width, height }, () => build({ width, height }));
      }
    });

    test(`${family}, exported with ${style} targets, is open in height and width where that is asked`, async (t) => {
      const ranges = { height: { min: 32, opt: 64, max: 160 }, width: { min: 64, opt: 96, max: 128 } };
      const { model } = rewriteModel(build({ width: 64, height: 64, style }), { width: 96, height: 64, ranges });
      t.deepEqual(model.graph.input.map(declaredShape), [['batch', 3, 'height', 'width']]);
      t.deepEqual(model.graph.output.map(declaredShape), [['batch', null, columns]]);
      for (const [width, height] of [
        [64, 32],
        [96, 64],
        [128, 160],
        [64, 128],
      ] as const) {
        await answersAlike(t, model, build({ width, height }), { width, height });
      }
    });
  }

  test(`the nine targets of ${family} are named with what becomes of them`, (t) => {
    const { changes } = rewriteModel(build({ width: 64, height: 64 }), { width: 128, height: 96 });
    const targets = changes.filter((change) => change.startsWith('Reshape'));
    t.is(targets.length, 9);
    t.true(targets.includes("Reshape 'bbox8.rows/Reshape': target [1, 128, 4] -> [0, 384, 4]"));
    t.true(targets.includes("Reshape 'bbox32.rows/Reshape': target [1, 8, 4] -> [0, 24, 4]"));
    const resizes = changes.filter((change) => change.startsWith('Resize'));
    t.is(resizes.length, 2);
  });

  test(`${family} with an open batch and size in the file, and targets of one size, is brought to others`, async (t) => {
    const model = build({ width: 64, height: 64, style: 'open batch', input: ['batch', 3, 64, 64] });
    const { changes } = rewriteModel(model, { width: 128, height: 96 });
    t.true(changes.includes("Reshape 'bbox8.rows/Reshape': target [-1, 128, 4] -> [-1, 384, 4]"));
    await answersAsExportedFor(t, model, { width: 128, height: 96 }, (width, height) => build({ width, height }));
  });

  test(`${family} at the size of its export answers a batch as one by one`, async (t) => {
    await answersAsOneByOne(t, build({ width: 64, height: 96 }), { width: 64, height: 96 });
  });
}

test('one side of the picture may be open and the other fixed', async (t) => {
  const ranges = { height: { min: 64, opt: 64, max: 64 }, width: { min: 32, opt: 64, max: 128 } };
  const { model } = rewriteModel(scrfd({ width: 64, height: 64 }), { width: 64, height: 64, ranges });
  t.deepEqual(model.graph.input.map(declaredShape), [['batch', 3, 64, 'width']]);
  await answersAlike(t, model, scrfd({ width: 128, height: 64 }), { width: 128, height: 64 });
});
