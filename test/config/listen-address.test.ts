import test from 'ava';
import { formatListenAddress, parseListenAddress } from '../../server/config/listen-address.js';

for (const [text, host, port] of [
  ['127.0.0.1:8001', '127.0.0.1', 8001],
  ['localhost:0', 'localhost', 0],
  ['sluice-0.sluice.svc:65535', 'sluice-0.sluice.svc', 65535],
  ['[::]:8001', '::', 8001],
  ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
] as const) {
  test(`${text} is an address, and is written the same way`, (t) => {
    t.deepEqual(parseListenAddress(text), { host, port });
    t.is(formatListenAddress({ host, port }), text);
  });
}

test('what is not HOST:PORT is no address', (t) => {
  const wrong = ['', ':', '8001', ':8001', 'host', 'host:', 'host:http', 'host:65536', 'host:-1', '::1:8001', '[::1]'];
  for (const text of [...wrong, '[host]:1', '[]:1', 'a b:1', 'http://host:1', 'host:1/', 'host:000001']) {
    t.is(parseListenAddress(text), undefined, text);
  }
});
