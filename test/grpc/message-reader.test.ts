import test from 'ava';
import { MessageRooms } from '../../server/core/message-rooms.js';
import { MessageReader } from '../../server/grpc/message-reader.js';
import { Random } from '../support/random.js';

const MOST = 8 << 20;

function reader(): MessageReader {
  return new MessageReader(new MessageRooms(), MOST);
}

/** As gRPC lays a message down: a flag, the length from its highest byte on, and the message. */
function framed(message: Uint8Array, flag = 0): Buffer {
  const { length } = message;
  return Buffer.from([flag, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255, ...message]);
}

test('messages come out as they went in, however they are cut into chunks', (t) => {
  const random = new Random(7);
  const lengths = [0, 1, 4, 5, 6, 300, 32_762, 32_763, 32_764, 70_000, 0, 131_072, 9];
  const messages = lengths.map((length, index) => {
    return framed(
      Uint8Array.from({ length }, () => random.int(0, 255)),
      index % 2,
    );
  });
  const all = Buffer.concat(messages);
  for (const longest of [1, 3, 7, 1000, 16_384, all.length]) {
    const reading = reader();
    const found: Buffer[] = [];
    for (let at = 0; at < all.length;) {
      const end = Math.min(all.length, at + random.int(1, longest));
      found.push(...reading.write(all.subarray(at, end)));
      at = end;
    }
    t.is(found.length, messages.length);
    t.true(
      found.every((message, index) => message.equals(messages[index]!)),
      `chunks of up to ${longest} bytes`,
    );
  }
});

test('a large message ends where an element of any type may, so that raw contents begin where theirs may', (t) => {
  for (const length of [40_000, 40_001, 40_002, 40_003, 40_007, 5_000_001]) {
    const [message] = reader().write(framed(new Uint8Array(length)));
    t.is((message!.byteOffset + message!.length) % 8, 0, `${length} bytes`);
  }
});

test('a message that is larger than any room is put together from its chunks', (t) => {
  const message = framed(new Uint8Array(5 << 20).fill(7));
  const reading = reader();
  t.deepEqual(reading.write(message.subarray(0, 1_000_000)), []);
  const [found] = reading.write(message.subarray(1_000_000));
  t.true(found!.equals(message));
});

test('a message that is too long is refused by its head', (t) => {
  const head = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]);
  t.throws(() => reader().write(head), { message: /2147483647 bytes, and --max-message-bytes lets in 8388608/ });
});
