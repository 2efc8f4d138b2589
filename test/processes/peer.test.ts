import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { Peer } from '../../server/processes/peer.js';

interface Sums {
  readonly add: (numbers: readonly number[]) => number;
  readonly refuse: () => void;
  readonly hang: () => Promise<void>;
}

/** Two peers over a channel that carries JSON. */
function pair(): { near: Peer<Sums>; far: Peer<Sums>; sent: string[] } {
  const sent: string[] = [];
  const carry = (to: () => Peer<Sums>) => (message: object) => {
    const text = JSON.stringify(message);
    sent.push(text);
    setImmediate(() => to().receive(JSON.parse(text)));
  };
  const sums: Sums = {
    add: (numbers) => numbers.reduce((sum, number) => sum + number, 0),
    refuse: () => {
      throw new ServingError('QUEUE_FULL', 'come back later');
    },
    hang: () => new Promise(() => {}),
  };
  const near: Peer<Sums> = new Peer<Sums>(
    carry(() => far),
    { ...sums },
  );
  const far: Peer<Sums> = new Peer<Sums>(
    carry(() => near),
    { ...sums },
  );
  return { near, far, sent };
}

test('both sides call, and each call has its own answer', async (t) => {
  const { near, far } = pair();
  const sums = await Promise.all([near.call('add', [1, 2]), near.call('add', [3, 4]), far.call('add', [5, 6])]);
  t.deepEqual(sums, [3, 7, 11]);
});

test('an error keeps its code and its message', async (t) => {
  const error = await t.throwsAsync(pair().near.call('refuse'), { instanceOf: ServingError });
  t.deepEqual([error?.code, error?.message], ['QUEUE_FULL', 'come back later']);
});

test('calls to a side that ends fail with INSTANCE_LOST, those after its end at once', async (t) => {
  const { near } = pair();
  const waiting = near.call('hang');
  near.close();
  for (const call of [waiting, near.call('add', [1])]) {
    t.is((await t.throwsAsync(call, { instanceOf: ServingError }))?.code, 'INSTANCE_LOST');
  }
});

test('messages of others on the channel are left alone', (t) => {
  const { near, sent } = pair();
  for (const other of [{}, { type: 'prom-client:getMetricsReq' }, { cmd: 'NODE_CLUSTER' }]) near.receive(other);
  t.deepEqual(sent, []);
});
