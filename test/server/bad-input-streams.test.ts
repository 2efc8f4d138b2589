import test, { type ExecutionContext } from 'ava';
import { status, type StatusObject } from '@grpc/grpc-js';
import { FramePolicy } from '../../clients/typescript/sluice-client.js';
import { eventually } from '../support/eventually.js';
import { detectFrame, detectOptions, embedFrame, embedOptions } from '../support/messages.js';
import { plain } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { meansModel, misfitModel, spotsModel } from '../support/tiny-models.js';
import { GOOD_INPUT, GOOD_MODEL, unharmed } from '../support/unharmed.js';
import { Wire, type Message } from '../support/wire-call.js';
import type { DetectRequest } from '../../server/gen/sluice/v1/inference.js';

/** Mistakes that end a stream: its status says what is wrong, and every other stream goes on. */

let serving: Serving;

test.before(async () => {
  const flags = ['--max-message-bytes', '1048576', '--max-window', '16', '--strict-readiness', 'false'];
  serving = await Serving.start(async (repository) => {
    const instance_group = { count: 1 };
    const detector = { task: 'centerface', input: GOOD_INPUT, instance_group };
    await repository.addModel(GOOD_MODEL, detector, spotsModel(64, 64));
    await repository.addModel('other', { ...detector, version_policy: { all: {} } }, spotsModel(64, 64));
    await repository.addModel('means', { task: 'embedding', input: GOOD_INPUT, instance_group }, meansModel(64, 64));
    await repository.addModel('broken', detector, misfitModel(64, 64));
  }, flags);
});

test.after.always(() => serving?.[Symbol.asyncDispose]());

const frame = detectFrame(plain(8, 8, [0, 0, 0]));

/** The status of a `Detect` stream of these messages, none of which is answered. */
async function statusOf(t: ExecutionContext, ...messages: readonly Message<DetectRequest>[]): Promise<StatusObject> {
  const call = serving.wire.detect();
  call.send(...messages);
  const ended = await call.finish();
  t.deepEqual(call.answers, []);
  return ended;
}

async function endsWith(
  t: ExecutionContext,
  code: status,
  text: RegExp,
  ...messages: readonly Message<DetectRequest>[]
): Promise<void> {
  const ended = await statusOf(t, ...messages);
  t.is(ended.code, code, ended.details);
  t.regex(ended.details, text);
}

test.serial('thresholds that are no fraction end the stream with INVALID_ARGUMENT', async (t) => {
  await unharmed(t, serving, async () => {
    for (const value of [NaN, Infinity, -Infinity, -0.1, 1.0001, 1e30]) {
      for (const [field, options] of [
        ['score_threshold', { scoreThreshold: value }],
        ['nms_threshold', { nmsThreshold: value }],
      ] as const) {
        const text = new RegExp(`${field} is .*between 0 and 1`);
        await endsWith(t, status.INVALID_ARGUMENT, text, detectOptions({ model: GOOD_MODEL }, options), frame);
      }
    }
  });
});

test.serial('a window over the limit ends the stream with INVALID_ARGUMENT, and names the limit', async (t) => {
  await unharmed(t, serving, async () => {
    for (const window of [17, 64, 2 ** 32 - 1]) {
      const options = detectOptions({ model: GOOD_MODEL, window });
      await endsWith(t, status.INVALID_ARGUMENT, /window \d+ is over 16.*--max-window/, options, frame);
    }
    t.is((await statusOf(t, detectOptions({ model: GOOD_MODEL, window: 16 }))).code, status.OK);
  });
});

test.serial('a frame policy that does not exist ends the stream with INVALID_ARGUMENT', async (t) => {
  await unharmed(t, serving, async () => {
    const options = detectOptions({ model: GOOD_MODEL, framePolicy: 7 as FramePolicy });
    await endsWith(t, status.INVALID_ARGUMENT, /frame_policy/, options, frame);
  });
});

test.serial('an unknown model ends the stream with NOT_FOUND, whatever its name', async (t) => {
  const names = [
    'nothing',
    '..',
    '.',
    '../spots',
    'spots/1',
    './spots',
    'spots ',
    '/',
    '\\..\\spots',
    'spots\0',
    '__proto__',
  ];
  const unusual = ['Modèle ☂', 'a\nb\r\nc', '%00%', '😀'.repeat(10)];
  await unharmed(t, serving, async () => {
    for (const model of [...names, ...unusual]) {
      await endsWith(t, status.NOT_FOUND, /no model/, detectOptions({ model }), frame);
      await endsWith(t, status.NOT_FOUND, /no model/, detectOptions({ model }));
    }
  });
});

test.serial('a very long model name or version is refused, and its connection goes on', async (t) => {
  await unharmed(t, serving, async () => {
    using wire = new Wire(serving.server.grpcAddress);
    const other = wire.detect();
    other.send(detectOptions({ model: GOOD_MODEL }));
    let count = 0;
    for (const length of [5000, 100_000, 900_000]) {
      for (const stream of [{ model: 'n'.repeat(length) }, { model: GOOD_MODEL, version: '9'.repeat(length) }]) {
        const call = wire.detect();
        call.send(detectOptions(stream));
        const { code, details } = await call.finish();
        t.true([status.NOT_FOUND, status.INVALID_ARGUMENT].includes(code), `${code} ${details.slice(0, 100)}`);
        other.send(frame);
        await other.answered((count += 1));
      }
    }
    t.is((await other.finish()).code, status.OK);
  });
});

test.serial(
  'an unknown version ends the stream with NOT_FOUND, one that is no number with INVALID_ARGUMENT',
  async (t) => {
    await unharmed(t, serving, async () => {
      for (const version of ['2', '999999999']) {
        const options = detectOptions({ model: 'other', version });
        await endsWith(t, status.NOT_FOUND, /version/, options, frame);
      }
      for (const version of ['0', '-1', '1.0', 'latest', ' 1', '1 ', '../1', '01', '1e0']) {
        const options = detectOptions({ model: 'other', version });
        await endsWith(t, status.INVALID_ARGUMENT, /version .* is not a positive whole number/, options, frame);
      }
    });
  },
);

test.serial('a model that failed to load ends the stream with UNAVAILABLE and the reason', async (t) => {
  await unharmed(t, serving, async () => {
    for (const version of ['', '1']) {
      await endsWith(t, status.UNAVAILABLE, /outputs/, detectOptions({ model: 'broken', version }), frame);
    }
  });
});

test.serial('a model of another task ends the stream with UNIMPLEMENTED and names the right call', async (t) => {
  await unharmed(t, serving, async () => {
    await endsWith(t, status.UNIMPLEMENTED, /call Embed instead of Detect/, detectOptions({ model: 'means' }), frame);
    const call = serving.wire.embed();
    call.send(embedOptions({ model: GOOD_MODEL }), embedFrame(plain(8, 8, [0, 0, 0])));
    const ended = await call.finish();
    t.is(ended.code, status.UNIMPLEMENTED);
    t.regex(ended.details, /call Detect instead of Embed/);
    t.deepEqual(call.answers, []);
  });
});

test.serial(
  'a stream without a model, where there are several, ends with INVALID_ARGUMENT and lists them',
  async (t) => {
    await unharmed(t, serving, async () => {
      await endsWith(t, status.INVALID_ARGUMENT, /choose one of .*other/, frame);
      await endsWith(t, status.INVALID_ARGUMENT, /choose one of .*other/, detectOptions({}), frame);
      await endsWith(t, status.INVALID_ARGUMENT, /choose one of .*other/, new Uint8Array(0));
    });
  },
);

test.serial('a message over the limit ends its stream with RESOURCE_EXHAUSTED', async (t) => {
  const large = detectFrame(plain(600, 600, [0, 0, 0]));
  await unharmed(t, serving, async () => {
    await endsWith(t, status.RESOURCE_EXHAUSTED, /larger than|max/i, detectOptions({ model: GOOD_MODEL }), large);
    await endsWith(t, status.RESOURCE_EXHAUSTED, /larger than|max/i, large);
    const neighbour = serving.wire.detect();
    neighbour.send(detectOptions({ model: GOOD_MODEL }), frame);
    const call = serving.wire.detect();
    call.send(detectOptions({ model: GOOD_MODEL }), frame);
    await call.answered(1);
    call.send(large);
    t.is((await call.finish()).code, status.RESOURCE_EXHAUSTED);
    t.is(call.answers.length, 1, 'what was answered before stays answered');
    neighbour.send(frame);
    t.is((await neighbour.finish()).code, status.OK, 'another stream of the same connection goes on');
    t.is(neighbour.answers.length, 2);
  });
});

test.serial('bytes that are no message end their stream with a status and nothing else', async (t) => {
  const garbage = [
    Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x7f]),
    Buffer.from([0x12, 0x05, 0x0a, 0x7f]),
    Buffer.from([0x0f]),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.alloc(1000, 0xaa),
  ];
  await unharmed(t, serving, async () => {
    for (const bytes of garbage) {
      const neighbour = serving.wire.detect();
      neighbour.send(detectOptions({ model: GOOD_MODEL }), frame);
      const ended = await statusOf(t, bytes);
      t.is(ended.code, status.INVALID_ARGUMENT);
      t.regex(ended.details, /cannot be read as protobuf/);
      const call = serving.wire.detect();
      call.send(detectOptions({ model: GOOD_MODEL }), frame);
      await call.answered(1);
      call.send(bytes);
      t.is((await call.finish()).code, status.INVALID_ARGUMENT);
      neighbour.send(frame);
      t.is((await neighbour.finish()).code, status.OK, 'another stream of the same connection goes on');
    }
  });
});

test.serial('fields that the server does not know are ignored', async (t) => {
  const call = serving.wire.detect();
  const unknown = Buffer.from([0xfa, 0x06, 0x03, 0x61, 0x62, 0x63]);
  call.send(detectOptions({ model: GOOD_MODEL }), unknown, frame);
  t.is((await call.finish()).code, status.OK);
  t.deepEqual(
    call.answers.map((answer) => answer.frame?.error?.code),
    ['INVALID_REQUEST', undefined],
  );
});

test.serial('after all of these mistakes no stream is left open and nothing waits', async (t) => {
  const { metrics } = serving;
  await eventually('no stream is open', async () => (await metrics.value('sluice_streams_open')) === 0);
  for (const model of [GOOD_MODEL, 'other', 'means']) await t.notThrowsAsync(metrics.untilIdle(model));
});
