import { Server, ServerCredentials, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { Access } from '../../server/core/access/access.js';
import { ALL_GROUPS, type CallGroup } from '../../server/core/access/call-groups.js';
import { ClientLimits } from '../../server/core/access/client-limits.js';
import { Tokens } from '../../server/core/access/tokens.js';
import { RepositoryService, type RepositoryServer } from '../../server/gen/sluice/v1/repository.js';
import { CallOrigins } from '../../server/grpc/call-origins.js';
import { METHODS } from '../../server/grpc/method-groups.js';
import { Ports } from '../../server/grpc/ports.js';

/** A server whose calls do nothing, in a process of its own, that lets them in one of these ways. */
export type GateMode =
  'open' | 'gate' | 'gate, tokens' | 'gate, tokens and limits' | 'interceptor, tokens' | 'handler, tokens';

export const TOKEN = 'bench-bench-bench-bench';

const mode = process.argv[2] as GateMode;
const access = new Access(Tokens.parse(`bench:${TOKEN}`, 'bench'));

function check(path: string, authorization: string | undefined): void {
  access.admit(METHODS.get(path)?.group as CallGroup, authorization, ALL_GROUPS);
}

/** The least that an interceptor does which looks at the metadata. */
const interceptor: ServerInterceptor = (method, call) =>
  new ServerInterceptingCall(call, {
    start(next) {
      next({
        onReceiveMetadata(metadata, proceed) {
          check(method.path, metadata.get('authorization')[0]?.toString());
          proceed(metadata);
        },
      });
    },
  });

const server = new Server({ interceptors: mode === 'interceptor, tokens' ? [interceptor] : [] });
const service: RepositoryServer = {
  listModels: (call, callback) => {
    if (mode === 'handler, tokens') check(call.getPath(), call.metadata.get('authorization')[0]?.toString());
    callback(null, { models: [] });
  },
  loadModel: (_call, callback) => callback(null, {}),
  unloadModel: (_call, callback) => callback(null, {}),
};
server.addService(RepositoryService, service);

async function listen(): Promise<number> {
  if (mode.startsWith('gate')) {
    const ports = new Ports(server, new CallOrigins(), {
      certificates: null,
      mutual: false,
      access: mode === 'gate' ? new Access(null) : access,
      limits: mode.endsWith('limits') ? new ClientLimits(1000, 1 << 30) : new ClientLimits(0, 0),
      connectionAge: { most: 0, grace: 1 },
      compressionLevel: 0,
      onRefusal: () => {},
    });
    return Number((await ports.open('127.0.0.1:0', ALL_GROUPS, '--grpc-address')).split(':')[1]);
  }
  return await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

process.send?.({ port: await listen() });
// Every message asks for the CPU time so far, in microseconds.
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system });
});
