import test from 'ava';
import type { InferenceRequest, InferenceResult } from '../../server/core/inference.js';
import { detectParameters } from '../../server/core/detections.js';
import { InstanceGroup } from '../../server/runtime/instance-group.js';
import { keepOnHost, pixelsOf } from '../../server/runtime/kept-pictures.js';
import { PictureRooms } from '../../server/runtime/picture-rooms.js';
import { encode, spots } from '../support/pictures.js';
import { makeConfig, makeRequest } from '../support/requests.js';
import { TestRepository } from '../support/test-repository.js';
import { spotsModel } from '../support/tiny-models.js';

/** Pictures that stay behind when their batch is done. */

const RGB = {
  format: 'rgb8',
  width: 2,
  height: 2,
  stride: 8,
  data: Uint8Array.from([1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12]),
} as const;

test('pixels are kept as they are, or as packed RGB', (t) => {
  const kept = keepOnHost(RGB, 'any', null);
  t.deepEqual([kept.width, kept.height, kept.host?.stride, kept.device], [2, 2, 8, null]);
  t.deepEqual(pixelsOf(kept).data.slice(), RGB.data);
  t.deepEqual(
    keepOnHost(RGB, 'rgb', null).host?.bytes.slice(),
    Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
  );
  const bgr = keepOnHost({ ...RGB, format: 'bgr8' }, 'rgb', null).host!;
  t.deepEqual([bgr.format, bgr.stride, ...bgr.bytes], ['rgb8', 6, 3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]);
  const gray = keepOnHost({ format: 'gray8', width: 2, height: 1, stride: 2, data: Uint8Array.of(7, 9) }, 'rgb', null);
  t.deepEqual([...gray.host!.bytes], [7, 7, 7, 9, 9, 9]);
});

test('luma and chroma become the levels that the native code makes of them', (t) => {
  // Y, Cb, Cr and the levels of params/nv12.h, worked out by hand.
  for (const [luma, cb, cr, ...levels] of [
    [16, 128, 128, 0, 0, 0],
    [235, 128, 128, 255, 255, 255],
    [81, 90, 240, 254, 0, 0],
    [145, 54, 34, 0, 255, 1],
    [128, 90, 160, 181, 119, 54],
  ] as const) {
    const data = Uint8Array.of(luma, luma, luma, luma, cb, cr);
    const { host } = keepOnHost({ format: 'nv12', width: 2, height: 2, stride: 2, data }, 'rgb', null);
    t.deepEqual([...host!.bytes.subarray(0, 3)], levels);
    t.deepEqual([...host!.bytes.subarray(9, 12)], levels);
  }
});

test('a room that is large enough is used again, a smaller one is not', (t) => {
  const room = new SharedArrayBuffer(64);
  t.is(keepOnHost(RGB, 'any', room).host!.bytes.buffer as unknown, room);
  t.not(keepOnHost(RGB, 'any', new SharedArrayBuffer(8)).host!.bytes.buffer as unknown, room);
  const rooms = new PictureRooms();
  t.is(rooms.take(), null);
  rooms.give(room);
  t.is(rooms.take(), room);
  t.is(rooms.take(), null);
});

test('the memory of pictures that are released is taken for the next ones', async (t) => {
  await using repository = await TestRepository.create();
  const config = makeConfig({ input: { width: 64, height: 64 } });
  await repository.addVersion('spots', 1, spotsModel(64, 64));
  await using group = await InstanceGroup.create({
    spec: { modelFile: `${repository.directory}/spots/1/model.onnx`, config, labels: 0, maxPicturePixels: 1e6 },
    placements: [{ kind: 'cpu', threads: 1 }],
    log: () => {},
  });
  t.deepEqual(group.layout, { rotated: false, points: 5, pointValues: 2, values: 0 });
  const picture = spots(600, 512, [[32, 32, 255]]);
  const jpeg = await encode(picture, 'jpeg');
  const keep = async (keeps: InferenceRequest['keep']): Promise<InferenceResult> => {
    const parameters = detectParameters({}, config);
    const request = {
      ...makeRequest(0),
      content: { kind: 'encoded', bytes: Uint8Array.from(jpeg) },
      parameters,
      keep: keeps,
    };
    return (await group.execute([request as InferenceRequest])).results[0]!;
  };
  t.is((await keep(undefined)).picture, undefined);
  // Rooms are larger than the picture: a mark behind it tells one that was there before.
  let newRooms = 0;
  for (let round = 0; round < 20; round++) {
    const held = [(await keep('any')).picture!, (await keep('rgb')).picture!];
    for (const { picture: kept } of held) {
      // At its full size, although the model needs far less.
      t.deepEqual([kept.width, kept.height, kept.host!.bytes.length], [600, 512, 600 * 512 * 3]);
      t.true(kept.host!.bytes[(34 * 600 + 34) * 3]! > 200);
      const marks = new Uint8Array(kept.host!.bytes.buffer, kept.host!.bytes.length);
      if (marks[0] === 0) newRooms += 1;
      marks[0] = 1;
    }
    for (const picture of held) picture.release();
    held[0]!.release();
  }
  t.is(newRooms, 2);
});
