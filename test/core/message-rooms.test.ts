import test from 'ava';
import { MessageRooms } from '../../server/core/message-rooms.js';

test('a room that was given back is taken again for messages of about its size', (t) => {
  const rooms = new MessageRooms();
  const room = rooms.take(100_000);
  t.true(room.byteLength >= 100_000 && room.byteLength < 101_024, `${room.byteLength} bytes`);
  t.not(rooms.take(100_000), room, 'it is in use');
  rooms.giveBack(room);
  t.not(rooms.take(200_000), room, 'it is too small');
  t.is(rooms.take(room.byteLength - 1000), room);
  t.not(rooms.take(100_000), room, 'it is in use again');
});

test('no more than 32 MiB are kept, and of these what came last', (t) => {
  const rooms = new MessageRooms();
  const old = Array.from({ length: 32 }, () => rooms.take(1 << 20));
  for (const room of old) rooms.giveBack(room);
  const latest = rooms.take(2 << 20);
  rooms.giveBack(latest);
  t.is(rooms.take(2 << 20), latest);
  t.false(old.includes(rooms.take(1 << 20)));
});

test('what is no room of its own is not kept', (t) => {
  const rooms = new MessageRooms();
  const odd = new ArrayBuffer(100_001);
  rooms.giveBack(odd);
  t.not(rooms.take(100_001), odd);
  const moved = rooms.take(100_000);
  structuredClone(moved, { transfer: [moved] });
  rooms.giveBack(moved);
  t.true(rooms.take(1).byteLength > 0, 'a buffer that was moved away has no bytes');
});
