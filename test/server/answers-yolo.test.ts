import test from 'ava';
import { PixelFormat, type RawPixels } from '../../clients/typescript/sluice-client.js';
import { detectOne } from '../support/ask.js';
import { CELL_SIZE, cellsModel, type CellsLayout } from '../support/cells-model.js';
import { closeTo } from '../support/close-to.js';
import { Serving } from '../support/serving.js';

const SIDE = 64;
const LAYOUTS: readonly CellsLayout[] = ['yolov5', 'yolov8', 'yolov8_pose', 'yolov8_obb'];

/** What makes a configuration of each layout fit. */
const POSTPROCESS: Partial<Record<CellsLayout, object>> = {
  yolov8: { strides: [CELL_SIZE] },
  yolov8_pose: { key_points: 2 },
};

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    for (const layout of LAYOUTS) {
      const config = {
        task: layout,
        input: { width: SIDE, height: SIDE },
        labels: 'labels.txt',
        // The models take levels as they are.
        preprocess: { scale: 1 },
        postprocess: { score_threshold: 0.25, ...POSTPROCESS[layout] },
        instance_group: { count: 1, kind: 'KIND_CPU' },
      };
      await repository.addModel(layout, config, cellsModel(layout, SIDE, SIDE));
      await repository.write(`${layout}/labels.txt`, 'rose\nleaf\nsky\n');
    }
  });
});

test.after.always(async () => {
  await serving[Symbol.asyncDispose]();
});

/** A black picture with cells of one colour each: column and row, then channel and level. */
function coloured(...cells: (readonly [column: number, row: number, channel: number, level: number])[]): RawPixels {
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (const [column, row, channel, level] of cells) {
    for (let y = row * CELL_SIZE; y < (row + 1) * CELL_SIZE; y++) {
      for (let x = column * CELL_SIZE; x < (column + 1) * CELL_SIZE; x++) data[(y * SIDE + x) * 3 + channel] = level;
    }
  }
  return { format: PixelFormat.PIXEL_FORMAT_RGB8, width: SIDE, height: SIDE, data };
}

const PICTURE = coloured([1, 1, 0, 255], [4, 2, 1, 204], [6, 6, 2, 153], [2, 6, 0, 102], [0, 7, 1, 51]);

for (const model of LAYOUTS) {
  test(`a model with the outputs of ${model} tells box, score, class and label of each object`, async (t) => {
    const { frame, detections } = await detectOne(serving.client, { picture: PICTURE }, { model });
    t.is(frame?.error, undefined);
    t.deepEqual(
      detections.map(({ classId, label, score }) => `${classId} ${label} ${score.toFixed(3)}`),
      ['0 rose 1.000', '1 leaf 0.800', '2 sky 0.600', '0 rose 0.400'],
    );
    const boxes = detections.flatMap(({ box }) => [box!.left, box!.top, box!.right, box!.bottom]);
    closeTo(t, boxes, [8, 8, 16, 16, 32, 16, 40, 24, 48, 48, 56, 56, 16, 48, 24, 56], 1e-3);
  });

  test(`the class filter of a model with the outputs of ${model} lets each class through that it names`, async (t) => {
    const classes = async (...classIds: number[]) => {
      const { detections } = await detectOne(serving.client, { picture: PICTURE }, { model, classIds });
      return detections.map(({ classId }) => classId);
    };
    t.deepEqual(await classes(1), [1]);
    t.deepEqual(await classes(2, 0), [0, 2, 0]);
    t.deepEqual(await classes(3, 4_000_000_000), []);
  });
}

test('key points are told in pixels of the picture, and by no other task', async (t) => {
  const points = async (model: string) => {
    const { detections } = await detectOne(serving.client, { picture: PICTURE }, { model, maxDetections: 1 });
    return detections.flatMap(({ keyPoints }) => keyPoints.flatMap(({ x, y }) => [x, y]));
  };
  closeTo(t, await points('yolov8_pose'), [8, 8, 16, 16], 1e-3);
  t.deepEqual(await points('yolov8_obb'), []);
  t.deepEqual(await points('yolov5'), []);
});

test('a box suppresses those of other classes where the configuration says so', async (t) => {
  // Boxes of two cells' side: neighbours overlap.
  await using other = await Serving.start(async (repository) => {
    for (const agnostic of [false, true]) {
      const config = {
        task: 'yolov8',
        input: { width: SIDE, height: SIDE },
        preprocess: { scale: 1 },
        postprocess: { class_agnostic: agnostic, nms_threshold: 0, score_threshold: 0.25 },
        instance_group: { count: 1, kind: 'KIND_CPU' },
      };
      await repository.addModel(
        agnostic ? 'agnostic' : 'apart',
        config,
        cellsModel('yolov8', SIDE, SIDE, 2 * CELL_SIZE),
      );
    }
  });
  const count = async (model: string) =>
    (await detectOne(other.client, { picture: coloured([3, 3, 0, 255], [4, 3, 1, 204]) }, { model })).detections.length;
  t.is(await count('apart'), 2);
  t.is(await count('agnostic'), 1);
});
