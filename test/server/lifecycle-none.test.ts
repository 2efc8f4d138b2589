import { status as Status } from '@grpc/grpc-js';
import test from 'ava';
import { embedOne } from '../support/ask.js';
import { callError } from '../support/call-error.js';
import { Operator } from '../support/operator.js';
import { grey } from '../support/pictures.js';
import { Serving } from '../support/serving.js';
import { meansModel } from '../support/tiny-models.js';

const MEANS = { task: 'embedding', input: { width: 8, height: 8 }, postprocess: { normalize: false } };
const FRAME = { picture: grey(100, 8) };

test.serial('without model control, changes of the repository change nothing', async (t) => {
  await using serving = await Serving.start(
    (repository) => repository.addModel('means', MEANS, meansModel(8, 8)),
    ['--repository-poll-secs', '0.1'],
  );
  using operator = await Operator.of(serving.server);
  await serving.repository.addModel('another', MEANS, meansModel(8, 8));
  await serving.repository.addVersion('means', 2, meansModel(8, 8));
  await serving.repository.configure('means', { ...MEANS, preprocess: { scale: 2 } });
  // By the time that a second server has looked at all of it, a poll of the first would have done so many times.
  await using other = await Serving.start(async () => {});
  t.truthy(other.server.grpcAddress);
  t.deepEqual(await operator.states(), ['means/1 READY']);
  const { frame, embeddings } = await embedOne(serving.client, FRAME);
  t.is(frame?.modelVersion, '1');
  t.deepEqual(embeddings[0]?.values, [100, 100, 100]);
  await serving.repository.remove('means');
  t.is((await embedOne(serving.client, FRAME)).frame?.error, undefined);
});

for (const mode of ['none', 'poll']) {
  test.serial(`in the mode ${mode} the calls that load and unload are refused, with what to change`, async (t) => {
    await using serving = await Serving.start(
      (repository) => repository.addModel('means', MEANS, meansModel(8, 8)),
      ['--model-control-mode', mode],
    );
    using operator = await Operator.of(serving.server);
    for (const call of [operator.client.load('means'), operator.client.unload('means')]) {
      const error = await callError(call);
      t.is(error.code, Status.FAILED_PRECONDITION);
      t.regex(error.details, new RegExp(`--model-control-mode explicit; it is ${mode}`));
    }
    t.deepEqual(await operator.states(), ['means/1 READY']);
  });
}
