import type { ModelStatus, ServerStatus } from '../server-status.js';
import { byId, KeyedRows, setText, type Cell } from './dom.js';
import { versionKey, type StatusHistory } from './history.js';
import { brief, milliseconds } from './numbers.js';

/** Over how long the rates in the table are taken. */
const RECENT_SECONDS = 10;

type VersionStatus = ModelStatus['versions'][number];

/** Every version of every model, and what has changed since the last look, for those who do not see the table. */
export class ModelTable {
  readonly #history: StatusHistory;
  readonly #rows: KeyedRows;
  #states = new Map<string, string>();

  /** `onTry` is told the key of a version that somebody wants to try. */
  constructor(history: StatusHistory, onTry: (key: string) => void) {
    this.#history = history;
    this.#rows = new KeyedRows(byId('models'), (row, key) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = 'Try';
      button.setAttribute('aria-label', `try ${key}`);
      button.addEventListener('click', () => onTry(key));
      row.insertCell().append(button);
    });
  }

  show({ models }: ServerStatus): void {
    const rows = models.flatMap((model) => model.versions.map((version) => this.#row(model, version)));
    this.#rows.show(rows);
    for (const { name, input, versions } of models) {
      for (const { version, state } of versions) this.#allowTrying(versionKey(name, version), state, input);
    }
    byId('no-models').hidden = rows.length > 0;
    this.#announce(new Map(rows.map(([key, , state]) => [key, state])));
  }

  #row({ name, task }: ModelStatus, status: VersionStatus): readonly [string, Cell[], string] {
    const { version, state, reason, devices, instances, queue, requests, failures } = status;
    const key = versionKey(name, version);
    const load = this.#history.recent(RECENT_SECONDS, (other) => other === key);
    const serves = state === 'READY';
    const total = instances.busy + instances.idle;
    const number = (text: string): Cell => ({ text, className: 'number' });
    const cells = [
      { text: version === 0 ? name : `${name} ${version}`, className: 'name' },
      task ?? '–',
      { text: reason === null ? state : `${state}: ${reason}`, className: 'state' },
      { text: serves ? devicesText(devices) : '–', className: 'name' },
      number(serves ? `${instances.busy} of ${total}` : '–'),
      number(serves ? String(queue.requests) : '–'),
      number(load === null ? '–' : brief(load.answered)),
      number(load === null || load.answered === 0 ? '–' : `${milliseconds(load.median)}, ${milliseconds(load.p99)}`),
      number(requests.toLocaleString('en')),
      { text: failures.toLocaleString('en'), className: failures > 0 ? 'number bad' : 'number' },
    ];
    return [key, cells, state];
  }

  #allowTrying(key: string, state: string, input: ModelStatus['input']): void {
    const row = [...byId('models').children].find((element) => (element as HTMLElement).dataset['key'] === key);
    const button = row?.querySelector('button');
    if (button != null) button.hidden = state !== 'READY' || input !== 'picture';
  }

  #announce(states: Map<string, string>): void {
    const before = this.#states;
    this.#states = states;
    if (before.size === 0) return;
    const changes = [...states]
      .filter(([key, state]) => before.get(key) !== state)
      .map(([key, state]) => `${key}: ${state}`);
    const gone = [...before.keys()].filter((key) => !states.has(key)).map((key) => `${key}: unloaded`);
    if (changes.length + gone.length > 0) setText(byId('changes'), [...changes, ...gone].join(', '));
  }
}

/** `2 × CPU`, or `2 × GPU 0, 2 × GPU 1`. */
function devicesText(devices: readonly string[]): string {
  if (devices.length === 0) return 'its stages';
  const counts = new Map<string, number>();
  for (const device of devices) counts.set(device, (counts.get(device) ?? 0) + 1);
  return [...counts].map(([device, count]) => `${count} × ${device}`).join(', ');
}
