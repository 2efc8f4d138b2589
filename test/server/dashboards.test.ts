import { readFile } from 'node:fs/promises';
import test from 'ava';
import { parse } from 'yaml';
import { GPU_METRICS, METRICS, PROCESS_METRICS, type MetricDefinition } from '../../server/http/metric-definitions.js';
import { TRITON_GPU_METRICS, TRITON_METRICS } from '../../server/http/triton-metric-definitions.js';
import { runOracle } from '../oracle/python.js';
import { scrapeExposition } from '../support/exposition.js';
import { addSpots } from '../support/pipelines.js';
import { Serving } from '../support/serving.js';

/** What deploy/ asks Prometheus for is there: parsed by the grammar of Prometheus, looked up at a real server. */

interface Inspected {
  readonly selectors: readonly { readonly name: string; readonly labels: readonly string[] }[];
  /** Labels that aggregations keep. */
  readonly kept: readonly string[];
  readonly error?: string;
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { readonly query: string } }[];
  };
}

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const DEFINITIONS = [METRICS, PROCESS_METRICS, GPU_METRICS, TRITON_METRICS, TRITON_GPU_METRICS].flatMap(
  (table): MetricDefinition[] => Object.values(table),
);

/** Of a metric that the server does not define itself: those of the process have none. */
function labelsOf(metric: string): readonly string[] {
  const definition = DEFINITIONS.find(({ name }) => name === metric);
  return [...(definition?.labels ?? []), 'le', 'instance', 'job'];
}

/** GPUs are told of only where the addon for them is built. */
const OF_GPUS = new Set([...Object.values(GPU_METRICS), ...Object.values(TRITON_GPU_METRICS)].map(({ name }) => name));

let served: ReadonlySet<string>;

test.before(async () => {
  await using serving = await Serving.start(addSpots, ['--processes', '2']);
  const families = await scrapeExposition(serving.server.httpAddress);
  served = new Set(families.map(({ name }) => name));
});

function inspect(expressions: readonly string[]): Inspected[] {
  const input = Buffer.from(JSON.stringify(expressions));
  return JSON.parse(runOracle('promql.py', [], input).toString()) as Inspected[];
}

/** What is wrong with expressions whose results are shown with `shown` labels. */
function problems(expressions: readonly { readonly expr: string; readonly shown: string }[]): string[] {
  const inspected = inspect(expressions.map(({ expr }) => expr));
  return inspected.flatMap(({ error, selectors, kept }, index) => {
    const { expr, shown } = expressions[index]!;
    if (error !== undefined) return [`${expr}: ${error}`];
    if (selectors.length === 0) return [`${expr} asks for nothing`];
    const metrics = selectors.map(({ name }) => name.replace(/_(bucket|sum|count)$/, ''));
    const known = new Set(metrics.flatMap(labelsOf));
    return [
      ...metrics.filter((name) => !served.has(name) && !OF_GPUS.has(name)).map((name) => `${expr}: no ${name}`),
      ...selectors.flatMap(({ labels }, place) =>
        labels
          .filter((label) => !labelsOf(metrics[place]!).includes(label))
          .map((label) => `${expr}: no label ${label}`),
      ),
      ...kept.filter((label) => !known.has(label)).map((label) => `${expr}: keeps no ${label}`),
      // An aggregation shows what it keeps, and no more.
      ...[...shown.matchAll(/\{\{\s*(?:\$labels\.)?([a-z]\w*)\s*\}\}/g)]
        .map(([, label]) => label!)
        .filter((label) => !(/\b(sum|max) by\b/.test(expr) ? kept.includes(label) : known.has(label)))
        .map((label) => `${expr} shows no ${label}`),
    ];
  });
}

test('every panel of the Grafana dashboard asks for metrics and labels that a server has', async (t) => {
  const text = await readFile('deploy/grafana/sluice-dashboard.json', 'utf8');
  const { panels, templating } = JSON.parse(text) as Dashboard;
  const variables = templating.list.flatMap(({ query }) =>
    [...(query?.query ?? '').matchAll(/^label_values\((.*), (\w+)\)$/g)].map(([, expr, shown]) => ({
      expr: expr!,
      shown: `{{${shown}}}`,
    })),
  );
  t.is(variables.length, 2);
  const targets = panels
    .flatMap(({ targets: own = [] }) => own)
    .map(({ expr, legendFormat }) => ({ expr, shown: legendFormat }));
  t.true(targets.length > 30);
  const plain = [...variables, ...targets].map(({ expr, shown }) => ({
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$model', '.*').replaceAll('$version', '.*'),
    shown,
  }));
  t.false(
    plain.some(({ expr }) => expr.includes('$')),
    'all variables are known',
  );
  t.deepEqual(problems(plain), []);
  for (const { title, gridPos } of panels) t.true(gridPos.x + gridPos.w <= 24, title);
});

/** What no panel shows: of interest to alerts and to bills, or in the log as well. */
const NOT_DRAWN = [
  'sluice_refused_calls_total',
  'sluice_certificate_expiry_timestamp_seconds',
  'sluice_engine_build_duration_seconds',
  'sluice_gpu_energy_joules_total',
];

test('the dashboard draws every metric of the server but those that are named here', async (t) => {
  const text = await readFile('deploy/grafana/sluice-dashboard.json', 'utf8');
  const own = DEFINITIONS.map(({ name }) => name).filter((name) => name.startsWith('sluice_'));
  const drawn = (name: string): boolean => new RegExp(`\\b${name}(_bucket|_sum|_count)?\\b`).test(text);
  t.deepEqual(
    own.filter((name) => !drawn(name)),
    NOT_DRAWN,
  );
});

test('every alert asks for metrics and labels that a server has, and says what to do', async (t) => {
  const text = await readFile('deploy/prometheus/sluice-alerts.yaml', 'utf8');
  const { groups } = parse(text) as { groups: { rules: Alert[] }[] };
  const alerts = groups.flatMap(({ rules }) => rules);
  t.true(alerts.length >= 10);
  t.is(new Set(alerts.map(({ alert }) => alert)).size, alerts.length);
  for (const { alert, labels, annotations } of alerts) {
    t.regex(alert, /^Sluice[A-Z]\w+$/);
    t.true(['critical', 'warning', 'info'].includes(labels['severity']!), alert);
    t.true(annotations['summary']!.length > 10 && annotations['description']!.length > 10, alert);
  }
  const shown = alerts.map(({ expr, annotations }) => ({ expr, shown: Object.values(annotations).join(' ') }));
  t.deepEqual(problems(shown), []);
});

test('a query for what is not there would be noticed', (t) => {
  t.deepEqual(
    problems([
      { expr: 'rate(sluice_nothing_total[5m])', shown: '' },
      { expr: 'sum by (colour) (sluice_queue_requests{size="1"})', shown: '{{model}}' },
    ]),
    [
      'rate(sluice_nothing_total[5m]): no sluice_nothing_total',
      'sum by (colour) (sluice_queue_requests{size="1"}): no label size',
      'sum by (colour) (sluice_queue_requests{size="1"}): keeps no colour',
      'sum by (colour) (sluice_queue_requests{size="1"}) shows no model',
    ],
  );
  t.regex(problems([{ expr: 'sum by (model sluice_queue_requests', shown: '' }])[0]!, /sum by \(model sluice/);
});
