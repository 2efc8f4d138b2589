import test from 'ava';
import { defaultText, flagName, OPTION_NAMES, serverOption, variableName } from '../../server/config/option-table.js';
import { sluice } from '../support/sluice-command.js';

/** Text without the line breaks that depend on the width of the terminal. */
function unwrapped(text: string): string {
  return text.replace(/\s+/g, ' ');
}

test('sluice --help lists every command', async (t) => {
  const { code, stdout } = await sluice(['--help']);
  t.is(code, 0);
  for (const command of ['serve', 'detect', 'segment', 'embed', 'classify', 'models', 'doctor', 'bench']) {
    t.regex(stdout, new RegExp(`^ {2}${command}\\b.*\\S`, 'm'), command);
  }
});

test('sluice serve --help tells of every option: flag, value, meaning, variable and default', async (t) => {
  const { code, stdout } = await sluice(['serve', '--help']);
  t.is(code, 0);
  const help = unwrapped(stdout);
  for (const name of OPTION_NAMES) {
    const { type, description } = serverOption(name);
    t.true(help.includes(`${flagName(name)} <${type.placeholder}>`), name);
    t.true(help.includes(unwrapped(description)), name);
    t.true(help.includes(unwrapped(`[${variableName(name)}, default: ${defaultText(name)}]`)), name);
  }
});

for (const [command, flags] of [
  [['detect'], ['--model', '--server', '--model-repository', '--score-threshold', '--out', '--annotate', '--json']],
  [['segment'], ['--model', '--server', '--model-repository', '--out', '--json']],
  [['embed'], ['--model', '--server', '--model-repository', '--text', '--json']],
  [['classify'], ['--model', '--server', '--model-repository', '--text', '--top-k', '--score-threshold', '--json']],
  [['models'], ['pull', 'list', 'load', 'unload']],
  [
    ['models', 'list'],
    ['--server', '--json'],
  ],
  [['models', 'pull'], ['--model-repository']],
  [['doctor'], ['--json']],
] as const) {
  test(`sluice ${command.join(' ')} --help tells of ${flags.join(', ')}`, async (t) => {
    const { code, stdout } = await sluice([...command, '--help']);
    t.is(code, 0);
    for (const flag of flags) t.true(stdout.includes(flag), flag);
  });
}

for (const args of [
  ['serve', '--no-such-flag'],
  ['serve', 'extra'],
  ['detect'],
  ['detect', 'a.png', '--no-such-flag'],
  ['detect', 'a.png', '--score-threshold', '2'],
  ['detect', 'a.png', '--score-threshold', 'high'],
  ['detect', 'a.png', '--server', 'localhost:1', '--model-repository', 'models'],
  ['detect', 'a.png', 'b.png', '--out', 'c.png'],
  ['detect', 'a.png', 'a.jpg', '--annotate', 'drawn'],
  ['segment'],
  ['segment', 'a/c.png', 'b/c.png', '--out', 'maps'],
  ['embed'],
  ['models', 'nosuch'],
  ['nosuch'],
  ['serve', '--grpc-address', 'nowhere'],
  ['serve', '--default-window', '0'],
]) {
  test(`sluice ${args.join(' ')} is a mistake: exit code 2, told on standard error`, async (t) => {
    const { code, stdout, stderr } = await sluice(args);
    t.is(code, 2);
    t.is(stdout, '');
    t.true(stderr.length > 0);
    t.notRegex(stderr, /^\s+at /m);
  });
}

test('sluice without a command is a mistake that shows the help', async (t) => {
  const { code, stderr } = await sluice([]);
  t.is(code, 2);
  t.regex(stderr, /serve/);
});

test('an unknown flag is answered with the closest one', async (t) => {
  const { stderr } = await sluice(['serve', '--grpc-adress', '127.0.0.1:0']);
  t.regex(stderr, /--grpc-adress/);
  t.regex(stderr, /Did you mean --grpc-address/);
});
