import { connect, type ClientHttp2Session } from 'node:http2';
import test from 'ava';
import { eventually } from '../support/eventually.js';
import { Serving } from '../support/serving.js';

/** What server/grpc/http2-windows.ts says; HTTP/2's own is 65535. */
const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 4 << 20;

function remoteWindow(session: ClientHttp2Session): number {
  return session.state.remoteWindowSize ?? 0;
}

test.serial('a client may send as far ahead as the server says: a megabyte a stream, four a connection', async (t) => {
  await using serving = await Serving.start(async () => {});
  const session = connect(`http://${serving.server.grpcAddress}`);
  try {
    await eventually('the settings of the stream window have come', () => {
      return session.remoteSettings?.initialWindowSize === STREAM_WINDOW;
    });
    await eventually('the connection window is open', () => remoteWindow(session) === CONNECTION_WINDOW);
    t.pass();
  } finally {
    session.destroy();
  }
});

test.serial('the windows are widened for every connection, not only the first', async (t) => {
  await using serving = await Serving.start(async () => {});
  const sessions = Array.from({ length: 4 }, () => connect(`http://${serving.server.grpcAddress}`));
  try {
    for (const session of sessions) {
      await eventually('the connection window is open', () => remoteWindow(session) === CONNECTION_WINDOW);
      t.is(session.remoteSettings.initialWindowSize, STREAM_WINDOW);
    }
  } finally {
    for (const session of sessions) session.destroy();
  }
});
