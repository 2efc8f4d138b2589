import { Option, type Command } from 'commander';
import { SingleBar, Presets } from 'cli-progress';
import type { OptionName } from '../config/option-table.js';
import { addServerOptions, resolveServerOptions, type FlagValues } from '../config/server-options.js';
import { PlanBuilds, type PlanOutcome, type PlanReady } from '../plan-builds.js';

/** Those of `sluice serve` that say something about plans. */
const OPTIONS: readonly OptionName[] = [
  'modelRepository',
  'engineCache',
  'engineCacheBytes',
  'threads',
  'maxPicturePixels',
];

interface BuildFlags {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Registers `sluice build`. */
export function registerBuild(program: Command): void {
  const command = program
    .command('build')
    .description('build the plans of a model repository, on the GPUs that will run them, before serving')
    .argument('[MODEL...]', 'names of models; default: all that may run on GPUs');
  addServerOptions(command, OPTIONS)
    .addOption(new Option('--force', 'build even what is in the cache'))
    .addOption(new Option('--json', 'print one JSON object a plan'))
    .action(build);
}

/** Tells of each plan. Sets the exit status: 0, 1 when there is one missing, or 130. */
async function build(names: readonly string[], { force, json, ...flags }: FlagValues & BuildFlags): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort(new Error('stopped; what was built so far is kept'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const display = buildDisplay();
  const outcomes: PlanOutcome[] = [];
  try {
    const builds = await PlanBuilds.create({
      ...resolveServerOptions(flags),
      force: force === true,
      signal: stop.signal,
      log: (level, model, message) => {
        if (level !== 'info') display.line(`${model === null ? '' : `${model}: `}${message}`);
      },
      onProgress: (model, fraction, phase) => display.progress(model, fraction, phase),
    });
    for await (const outcome of builds.run(names)) {
      display.done();
      outcomes.push(outcome);
      if ('error' in outcome) display.line(`${subject(outcome)}: ${outcome.error}`);
      if (json === true) console.log(JSON.stringify(outcome));
    }
  } finally {
    display.done();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    if (stop.signal.aborted) process.exitCode = 130;
  }
  if (outcomes.some((outcome) => 'error' in outcome)) process.exitCode = 1;
  const ready = outcomes.flatMap((outcome) => ('error' in outcome ? [] : [outcome]));
  if (json === true) return;
  if (ready.length > 0) console.log(formatPlans(ready));
  else if (outcomes.length === 0) console.log('no model of the repository runs on GPUs');
}

function subject({ model, version }: PlanOutcome): string {
  return version === null ? model : `${model}/${version}`;
}

const COLUMNS: readonly (readonly [title: string, value: (plan: PlanReady) => string])[] = [
  ['model', ({ model }) => model],
  ['version', ({ version }) => String(version)],
  ['GPU', ({ devices, gpu }) => `${devices.join(', ')} (${gpu})`],
  ['precision', ({ precision }) => precision],
  [
    'plan',
    ({ source, buildSeconds }) => (source === 'cache' ? 'from the cache' : `built in ${buildSeconds.toFixed(1)} s`),
  ],
  ['plan MB', ({ planBytes }) => megabytes(planBytes)],
  ['activation MB', ({ activationBytes }) => megabytes(activationBytes)],
  ['agreement', ({ agreement }) => (agreement === null ? '-' : agreement.toFixed(4))],
];

function formatPlans(plans: readonly PlanReady[]): string {
  const rows = [COLUMNS.map(([title]) => title), ...plans.map((plan) => COLUMNS.map(([, value]) => value(plan)))];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** What a person sees meanwhile, on standard error: a bar on a terminal, a line at each tenth elsewhere. */
interface BuildDisplay {
  progress(model: string, fraction: number, phase: string): void;
  line(text: string): void;
  /** The build that was shown has ended. */
  done(): void;
}

function buildDisplay(): BuildDisplay {
  return process.stderr.isTTY ? barDisplay() : lineDisplay();
}

function barDisplay(): BuildDisplay {
  let bar: SingleBar | null = null;
  const done = (): void => {
    bar?.stop();
    bar = null;
  };
  return {
    progress: (model, fraction, phase) => {
      if (bar === null) {
        const format = '{model} {bar} {percentage}% {phase}';
        bar = new SingleBar(
          { format, clearOnComplete: true, hideCursor: true, stream: process.stderr },
          Presets.shades_classic,
        );
        bar.start(1, 0, { model, phase });
      }
      bar.update(fraction, { phase });
    },
    line: (text) => {
      done();
      console.error(text);
    },
    done,
  };
}

function lineDisplay(): BuildDisplay {
  let shown = 0;
  return {
    progress: (model, fraction, phase) => {
      const tenths = Math.floor(fraction * 10);
      if (tenths <= shown) return;
      shown = tenths;
      console.error(`${model}: ${tenths * 10} % ${phase}`.trimEnd());
    },
    line: (text) => console.error(text),
    done: () => (shown = 0),
  };
}
