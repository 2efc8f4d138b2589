import test from 'ava';
import { ownServerEnvironment, resolveServerOptions, UsageError } from '../../server/config/server-options.js';
import type { OptionName } from '../../server/config/option-table.js';

type Flags = Partial<Record<OptionName, string>>;

function usage(flags: Flags): string[] {
  try {
    resolveServerOptions(flags, {});
  } catch (error) {
    if (error instanceof UsageError) return error.message.split('\n').slice(0, -1);
    throw error;
  }
  return [];
}

const PAIR: Flags = { grpcServerCert: 'a.crt', grpcServerKey: 'a.key' };

test('TLS needs a certificate and its key, on either port', (t) => {
  for (const name of ['grpcUseSsl', 'httpUseSsl'] as const) {
    t.deepEqual(usage({ [name]: 'true' }), [
      '--grpc-server-cert: expected a file, as --grpc-use-ssl or --http-use-ssl needs it',
      '--grpc-server-key: expected a file, as --grpc-use-ssl or --http-use-ssl needs it',
    ]);
    t.deepEqual(usage({ [name]: 'true', ...PAIR }), []);
  }
});

test('mutual TLS needs authorities, and TLS on the same port', (t) => {
  t.regex(
    usage({ grpcUseSsl: 'true', grpcUseSslMutual: 'true', ...PAIR }).join(),
    /^--grpc-root-cert: expected a file/,
  );
  const roots = { grpcRootCert: 'ca.crt', ...PAIR };
  t.deepEqual(usage({ grpcUseSsl: 'true', grpcUseSslMutual: 'true', ...roots }), []);
  t.deepEqual(usage({ httpUseSsl: 'true', grpcUseSslMutual: 'true', ...roots }), [
    '--grpc-use-ssl-mutual: only has a meaning with --grpc-use-ssl true',
  ]);
  t.deepEqual(usage({ grpcUseSsl: 'true', httpUseSslMutual: 'true', ...roots }), [
    '--http-use-ssl-mutual: only has a meaning with --http-use-ssl true',
  ]);
});

test('files that nothing uses are a mistake: whoever names them means TLS', (t) => {
  t.is(usage(PAIR).length, 2);
  t.regex(
    usage({ grpcUseSsl: 'true', grpcRootCert: 'ca.crt', ...PAIR }).join(),
    /^--grpc-root-cert: only has a meaning/,
  );
});

test('the admin address is another than the others, and known ahead where processes share it', (t) => {
  t.deepEqual(usage({ adminAddress: '127.0.0.1:8001' }), [
    '--admin-address: expected another port than that of --grpc-address',
  ]);
  t.deepEqual(usage({ adminAddress: '127.0.0.1:8000' }), [
    '--admin-address: expected another port than that of --http-address',
  ]);
  t.deepEqual(usage({ adminAddress: '127.0.0.1:0' }), []);
  t.regex(usage({ adminAddress: '127.0.0.1:0', processes: '2' }).join(), /a port other than 0/);
  t.is(resolveServerOptions({ adminAddress: 'none' }, { SLUICE_ADMIN_ADDRESS: '127.0.0.1:9000' }).adminAddress, null);
});

test('an unknown group is a mistake that names the groups', (t) => {
  t.regex(usage({ allowGroups: 'inference,everything' }).join(), /--allow-groups: expected some of health, metadata/);
});

test('a length of time in milliseconds is told from one in seconds', (t) => {
  t.regex(usage({ grpcKeepaliveTime: '7200000' }).join(), /--grpc-keepalive-time: expected seconds from 1 to 86400/);
});

test("a command's own server heeds variables, but none of security", (t) => {
  const environment = { SLUICE_MODEL_REPOSITORY: '/models', SLUICE_GRPC_USE_SSL: 'true', SLUICE_AUTH_TOKEN_FILE: '/x' };
  t.deepEqual(ownServerEnvironment(environment), { SLUICE_MODEL_REPOSITORY: '/models' });
});
