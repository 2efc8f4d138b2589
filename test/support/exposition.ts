import { runOracle } from '../oracle/python.js';

/** A metric as Prometheus' own parser reads it. */
export interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

/** Reads what `/metrics` answers, with Prometheus' own parser. Throws where that does. */
export function parseExposition(text: string): MetricFamily[] {
  const families = JSON.parse(runOracle('exposition.py', [], Buffer.from(text)).toString()) as MetricFamily[];
  return families.map((family) => ({
    ...family,
    samples: family.samples.map((sample) => ({ ...sample, value: Number(sample.value) })),
  }));
}

/** Asks a server for its metrics and reads them. */
export async function scrapeExposition(httpAddress: string): Promise<MetricFamily[]> {
  return parseExposition(await (await fetch(`http://${httpAddress}/metrics`)).text());
}
