import test from 'ava';
import { PixelFormat, type RegionsFrame, type RawPixels } from '../../clients/typescript/sluice-client.js';
import { eventually, settled } from '../support/eventually.js';
import { detectFrame, detectOptions } from '../support/messages.js';
import { Serving } from '../support/serving.js';
import { SIDE } from '../support/slow-serving.js';
import { lightCells, type Cell } from '../support/spot-pictures.js';
import { slowModel, spotsModel } from '../support/tiny-models.js';

/** Senders that are faster than the model, and readers that are slower: the server's memory stays bounded. */

const MEBIBYTE = 1 << 20;
const INPUT = { width: 256, height: 256 };

let serving: Serving;

test.before(async () => {
  serving = await Serving.start(async (repository) => {
    const instance_group = { count: 1, intra_op_thread_count: 1 };
    const input = { width: SIDE, height: SIDE };
    const slow = { task: 'embedding', input, max_batch_size: 1, instance_group };
    await repository.addModel('slow', slow, slowModel(SIDE, SIDE));
    const spots = { task: 'centerface', input: INPUT, postprocess: { nms_threshold: 1 }, instance_group };
    await repository.addModel('spots', spots, spotsModel(INPUT.width, INPUT.height));
  });
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

const residentBytes = () => serving.metrics.value('process_resident_memory_bytes');

function grayPicture(width: number, height: number, level: number): RawPixels {
  const data = new Uint8Array(width * height).fill(level);
  return { format: PixelFormat.PIXEL_FORMAT_GRAY8, width, height, data };
}

test.serial('a fast sender is held back, and the memory of the server does not grow with what it sends', async (t) => {
  const { client, metrics } = serving;
  const [white, black] = [grayPicture(2000, 2000, 255), grayPicture(2000, 2000, 0)];
  const count = 120;
  let taken = 0;
  function* video(): Generator<RegionsFrame> {
    for (; taken < count; taken++) yield { id: `${taken}`, picture: taken === 0 ? white : black };
  }
  const before = await residentBytes();
  const answers = client.embed(video(), { model: 'slow', window: 2 });
  const first = answers.next();
  await metrics.untilBusy('slow');
  await metrics.untilQueued('slow', 1);
  const takenEarly = await settled('how many frames the client has taken', () => taken);
  const held = (await residentBytes()) - before;
  t.is(await metrics.busy('slow'), 1, 'the first frame still runs');
  t.is(await metrics.queued('slow'), 1, 'the window is full');
  t.true(takenEarly < 40, `${takenEarly} of ${count} frames were taken before the first answer`);
  t.true(held < 96 * MEBIBYTE, `the server grew by ${Math.round(held / MEBIBYTE)} MiB`);
  t.is((await first).value?.frame?.frameId, '0');
  let answered = 1;
  let most = 0;
  for await (const { frame } of answers) {
    t.deepEqual([frame?.frameId, frame?.error], [`${answered}`, undefined]);
    answered += 1;
    if (answered % 10 === 0) most = Math.max(most, (await residentBytes()) - before);
  }
  t.is(answered, count);
  t.true(
    most < 192 * MEBIBYTE,
    `${count * 4} MB went through, and the server grew by ${Math.round(most / MEBIBYTE)} MiB`,
  );
});

test.serial('a stream that only sends is held back by flow control, message by message', async (t) => {
  const call = serving.wire.detect({ unread: true });
  // Each answer has a thousand detections: far more than fits between server and reader.
  const cells: Cell[] = Array.from({ length: 1000 }, (_, index) => ({ column: index % 64, row: index >> 6 }));
  const frame = detectFrame(lightCells(INPUT, INPUT, cells));
  const count = 150;
  call.send(detectOptions({ model: 'spots', window: 4 }), ...Array.from({ length: count }, () => frame));
  call.end();
  await eventually('the first frames are inferred', async () => (await serving.metrics.executed('spots')) >= 4);
  const executed = await settled('how many frames were inferred', () => serving.metrics.executed('spots'));
  t.true(executed < count / 2, `${executed} of ${count} frames were inferred for a reader that takes nothing`);
  t.true(call.sent < count, `${call.sent} of ${count} frames have left although nobody reads the answers`);
  t.is(await serving.metrics.queued('spots'), 0);
  call.read();
  t.is((await call.status).code, 0);
  t.is(call.answers.length, count);
  t.true(call.answers.every((answer, index) => answer.frame?.index === index && answer.detections.length === 1000));
});

test.serial('a slow reader holds up nobody else', async (t) => {
  const slow = serving.wire.detect({ unread: true });
  const cells: Cell[] = Array.from({ length: 1000 }, (_, index) => ({ column: index % 64, row: index >> 6 }));
  const frame = detectFrame(lightCells(INPUT, INPUT, cells));
  slow.send(detectOptions({ model: 'spots', window: 4 }), ...Array.from({ length: 100 }, () => frame));
  await settled('how many frames were inferred', () => serving.metrics.executed('spots'));
  const other = serving.wire.detect();
  other.send(detectOptions({ model: 'spots' }), ...Array.from({ length: 20 }, () => frame));
  t.is((await other.finish()).code, 0);
  t.is(other.answers.length, 20);
  slow.cancel();
  await eventually('no stream is open', async () => (await serving.metrics.value('sluice_streams_open')) === 0);
});
