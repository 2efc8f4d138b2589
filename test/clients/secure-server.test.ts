import { join } from 'node:path';
import test from 'ava';
import { Authority, opensslMissing, type Pair } from '../support/authority.js';
import { GuardedServer } from '../support/guarded-server.js';
import { encode, grey } from '../support/pictures.js';
import { ScratchDirectory } from '../support/scratch-directory.js';
import { sluice } from '../support/sluice-command.js';
import { allPrograms, type Ended } from './client-programs.js';

/** Every client against a server that asks for TLS, for a certificate and for a token. */

const TOKEN = 'camera-camera-camera-1';

let directory: ScratchDirectory;
let served: GuardedServer;

const paths = (name: string): { cert: string; key: string } => ({
  cert: join(directory.path, `${name}.crt`),
  key: join(directory.path, `${name}.key`),
});

async function write(name: string, { certificate, key }: Pair): Promise<void> {
  await directory.write(`${name}.crt`, certificate);
  await directory.write(`${name}.key`, key);
}

if (opensslMissing === null) {
  test.before(async () => {
    directory = await ScratchDirectory.create();
    await using ours = await Authority.create();
    await directory.write('ca.crt', ours.certificate);
    await write('server', await ours.issue('server'));
    await write('client', await ours.issue('client'));
    await directory.write('picture.png', await encode(grey(100), 'png'));
    const tokens = await directory.write('tokens', `camera:${TOKEN}\n`);
    const { cert, key } = paths('server');
    const own = ['--grpc-use-ssl', 'true', '--grpc-server-cert', cert, '--grpc-server-key', key];
    const theirs = ['--grpc-use-ssl-mutual', 'true', '--grpc-root-cert', join(directory.path, 'ca.crt')];
    served = await GuardedServer.start([...own, ...theirs, '--auth-token-file', tokens]);
  });

  test.after.always(async () => {
    await served?.[Symbol.asyncDispose]();
    await directory?.[Symbol.asyncDispose]();
  });
}

type Run = (args: readonly string[]) => Promise<Ended>;

const CLIENTS: readonly { name: string; missing: string | null; run: Run }[] = [
  {
    name: 'command line',
    missing: null,
    run: async ([image, ...args]) => {
      const { code, stdout, stderr } = await sluice(['embed', image!, ...args]);
      return { code: Number(code), lines: stdout.split('\n').filter((line) => line !== ''), stderr };
    },
  },
  ...allPrograms.map((programs) => ({
    name: `${programs.language} client`,
    missing: programs.missing,
    // Go reads no flags behind a file.
    run: ([image, ...args]: readonly string[]) => programs.run('embed', [...args, image!]),
  })),
];

for (const { name, missing, run } of CLIENTS) {
  const reason = opensslMissing ?? missing;
  const clientTest = reason === null ? test.serial : test.serial.skip;
  const why = reason === null ? '' : ` (${reason})`;

  const embed = (...flags: string[]): Promise<Ended> => {
    return run([join(directory.path, 'picture.png'), '--model', 'means', '--server', served.address, ...flags]);
  };
  const identity = (): string[] => {
    const { cert, key } = paths('client');
    return ['--tls', '--ca', join(directory.path, 'ca.crt'), '--cert', cert, '--key', key];
  };

  clientTest(`the ${name} gets in by TLS, with its certificate and its token${why}`, async (t) => {
    const { code, lines, stderr } = await embed(...identity(), '--token', TOKEN);
    t.is(code, 0, stderr);
    t.is(lines.length, 1);
    t.regex(lines[0]!, /picture\.png: .*3 values/);
  });

  clientTest(`the ${name} is told when its token is missing or wrong${why}`, async (t) => {
    for (const token of [[], ['--token', `${TOKEN}x`]]) {
      const { code, stderr } = await embed(...identity(), ...token);
      t.is(code, 1);
      t.regex(stderr, /token/);
    }
  });

  clientTest(`the ${name} does not get in without TLS, or without its certificate${why}`, async (t) => {
    for (const flags of [[], ['--tls', '--ca', join(directory.path, 'ca.crt')]]) {
      const { code, stderr } = await embed(...flags, '--token', TOKEN);
      t.is(code, 1);
      t.regex(stderr, /no (Sluice )?server answers/);
    }
  });
}

const cliTest = opensslMissing === null ? test.serial : test.serial.skip;

cliTest('the command line reads the token from SLUICE_TOKEN, and lists models with it', async (t) => {
  const { cert, key } = paths('client');
  const flags = [
    '--server',
    served.address,
    '--tls',
    '--ca',
    join(directory.path, 'ca.crt'),
    '--cert',
    cert,
    '--key',
    key,
  ];
  const { code, stdout } = await sluice(['models', 'list', ...flags], { SLUICE_TOKEN: TOKEN });
  t.is(code, 0);
  t.regex(stdout, /^means +1 +READY$/m);
});

cliTest('credentials that contradict one another are a mistake of usage', async (t) => {
  const { cert, key } = paths('client');
  for (const [flags, message] of [
    [['--server', served.address, '--ca', cert], /only have a meaning with --tls/],
    [['--server', served.address, '--tls', '--cert', cert], /--cert and --key go together/],
    [['--tls', '--cert', cert, '--key', key], /--tls only has a meaning with --server/],
  ] as const) {
    const { code, stderr } = await sluice(['embed', join(directory.path, 'picture.png'), ...flags]);
    t.is(code, 2);
    t.regex(stderr, message);
  }
});

cliTest('the server that a command starts for itself has no part in the variables of security', async (t) => {
  const { code, stderr } = await sluice(['embed', join(directory.path, 'picture.png')], {
    SLUICE_MODEL_REPOSITORY: served.modelRepository,
    SLUICE_GRPC_USE_SSL: 'true',
    SLUICE_GRPC_SERVER_CERT: '/nowhere.crt',
    SLUICE_GRPC_SERVER_KEY: '/nowhere.key',
    SLUICE_AUTH_TOKEN_FILE: '/nowhere.tokens',
  });
  t.is(code, 0, stderr);
});
