import { eventually } from './eventually.js';

/** What a server's `/metrics` tells. */
export class ServerMetrics {
  readonly #address: string;

  /** `host:port` of the HTTP door. */
  constructor(address: string) {
    this.#address = address;
  }

  /** The sum of the series of that name that carry all of `labels`. */
  async value(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const response = await fetch(`http://${this.#address}/metrics`);
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return (await response.text())
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Resolves when the sum of such series is as it should be. */
  async until(
    name: string,
    labels: Readonly<Record<string, string>>,
    wanted: (value: number) => boolean,
  ): Promise<void> {
    await eventually(`${name} is as wanted`, async () => wanted(await this.value(name, labels)));
  }

  /** Requests of a model that wait for a batch. */
  queued(model: string): Promise<number> {
    return this.value('sluice_queue_requests', { model });
  }

  /** Instances of a model that run a batch. */
  busy(model: string): Promise<number> {
    return this.value('sluice_instances', { model, state: 'busy' });
  }

  /** Requests of a model that got into a batch that has ended. */
  executed(model: string): Promise<number> {
    return this.value('sluice_executed_requests_total', { model });
  }

  /** Requests of a model that failed for a reason. */
  failed(model: string, reason: string): Promise<number> {
    return this.value('sluice_request_failures_total', { model, reason });
  }

  async untilQueued(model: string, requests: number): Promise<void> {
    await eventually(`${requests} requests wait for ${model}`, async () => (await this.queued(model)) === requests);
  }

  async untilBusy(model: string, instances = 1): Promise<void> {
    await eventually(`${instances} instances of ${model} run`, async () => (await this.busy(model)) === instances);
  }

  /** Resolves when nothing waits and nothing runs. */
  async untilIdle(model: string): Promise<void> {
    await this.untilQueued(model, 0);
    await this.untilBusy(model, 0);
  }
}
