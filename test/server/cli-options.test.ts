import test from 'ava';
import { eventually } from '../support/eventually.js';
import { sluice, SluiceCommand } from '../support/sluice-command.js';
import { TestRepository } from '../support/test-repository.js';

const FREE = { SLUICE_GRPC_ADDRESS: '127.0.0.1:0', SLUICE_HTTP_ADDRESS: '127.0.0.1:0' };

type Options = Readonly<Record<string, unknown>>;

/** The options that a server says it starts with. */
async function startedWith(flags: readonly string[], environment: Readonly<Record<string, string>>): Promise<Options> {
  const command = new SluiceCommand(['serve', ...flags], environment);
  const ended = command.ended();
  try {
    await eventually('it has started', () => command.stdout.includes('"msg":"started"'));
    const line = command.stdout.split('\n').find((text) => text.includes('"msg":"starting"')) ?? '{}';
    return (JSON.parse(line) as { options: Options }).options;
  } finally {
    command.signal('SIGKILL');
    await ended;
  }
}

test.serial('a variable goes before the default, and a flag before its variable', async (t) => {
  await using repository = await TestRepository.create();
  const { directory } = repository;
  const variables = {
    ...FREE,
    SLUICE_MODEL_REPOSITORY: directory,
    SLUICE_MAX_WINDOW: '32',
    SLUICE_EXIT_TIMEOUT: '7.5',
    SLUICE_MODEL_CONTROL_MODE: 'explicit',
    SLUICE_STRICT_READINESS: 'false',
  };
  const options = await startedWith(['--max-window', '16', '--model-control-mode', 'poll'], variables);
  t.is(options['modelRepository'], directory);
  t.is(options['maxWindow'], 16, 'the flag');
  t.is(options['modelControlMode'], 'poll', 'the flag');
  t.is(options['exitTimeout'], 7.5, 'the variable');
  t.is(options['strictReadiness'], false, 'the variable');
  t.is(options['defaultWindow'], 8, 'the default');
});

test.serial('an empty variable counts as unset', async (t) => {
  await using repository = await TestRepository.create();
  const variables = { ...FREE, SLUICE_MODEL_REPOSITORY: repository.directory, SLUICE_MAX_WINDOW: '' };
  t.is((await startedWith([], variables))['maxWindow'], 64);
});

test.serial('everything wrong is told at once, by the name of the flag or variable it came from', async (t) => {
  const environment = { ...FREE, SLUICE_MAX_WINDOW: 'many', SLUICE_THREADS: '0' };
  const { code, stderr } = await sluice(['serve', '--exit-timeout', '-1', '--log-level', 'loud'], environment);
  t.is(code, 2);
  t.regex(stderr, /SLUICE_MAX_WINDOW: expected a whole number from 1 to 1024, found "many"/);
  t.regex(stderr, /SLUICE_THREADS: .*found "0"/);
  t.regex(stderr, /--exit-timeout: .*found "-1"/);
  t.regex(stderr, /--log-level: expected one of .*found "loud"/);
});

test.serial('options that contradict one another are told', async (t) => {
  const { code, stderr } = await sluice(['serve', '--load-model', 'a'], FREE);
  t.is(code, 2);
  t.regex(stderr, /--load-model: only has a meaning with --model-control-mode explicit, found none/);
});

test.serial('--log-level keeps back what is less severe, and --log-format pretty is for people', async (t) => {
  await using repository = await TestRepository.create();
  const flags = ['serve', '--model-repository', repository.directory];
  const quiet = new SluiceCommand([...flags, '--log-level', 'fatal'], FREE);
  const pretty = new SluiceCommand([...flags, '--log-format', 'pretty'], FREE);
  const [quietEnd, prettyEnd] = [quiet.ended(), pretty.ended()];
  await eventually('the other one has started', () => pretty.stdout.includes('started'));
  pretty.signal('SIGTERM');
  t.notRegex((await prettyEnd).stdout, /^\{/m);
  quiet.signal('SIGKILL');
  t.is((await quietEnd).stdout, '');
});
