import { ModelState, RepositoryClient } from '../../clients/typescript/repository-client.js';
import type { ServerProcess } from '../../clients/typescript/server-process.js';
import type { Readiness } from '../../server/http/readiness.js';
import { eventually } from './eventually.js';

/** What an operator sees of a server and its models, and does to them. */
export class Operator implements Disposable {
  readonly client: RepositoryClient;
  readonly #http: string;

  private constructor(client: RepositoryClient, http: string) {
    this.client = client;
    this.#http = http;
  }

  static async of(server: Pick<ServerProcess, 'grpcAddress' | 'httpAddress'>): Promise<Operator> {
    return new Operator(await RepositoryClient.connect(server.grpcAddress), server.httpAddress);
  }

  /** Every version as `name/version STATE`; a directory that cannot be used has no version. */
  async states(): Promise<string[]> {
    return (await this.client.list()).map(({ name, version, state }) => {
      const key = version === '' ? name : `${name}/${version}`;
      return `${key} ${ModelState[state].replace('MODEL_STATE_', '')}`;
    });
  }

  /** Why versions of a model are not READY, or were not reloaded. */
  async reasons(name: string): Promise<string[]> {
    return (await this.client.list()).filter((model) => model.name === name).map(({ reason }) => reason);
  }

  /** Resolves when the states are these. */
  async until(...states: string[]): Promise<void> {
    const wanted = JSON.stringify(states);
    let last = '';
    try {
      await eventually(wanted, async () => (last = JSON.stringify(await this.states())) === wanted);
    } catch (cause) {
      throw new Error(`expected ${wanted}, found ${last}`, { cause });
    }
  }

  /** `/readyz`: its status and what it says. */
  async readiness(): Promise<Readiness & { readonly status: number }> {
    const response = await fetch(`http://${this.#http}/readyz`);
    return { status: response.status, ...((await response.json()) as Readiness) };
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }
}
