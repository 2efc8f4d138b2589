import type { ServerStatus } from '../server-status.js';
import { byId, setNotice, setText } from './dom.js';
import { StatusHistory } from './history.js';
import { LoadPlots } from './load-plots.js';
import { ModelTable } from './model-table.js';
import { duration } from './numbers.js';
import { ErrorTable, GpuTable } from './other-tables.js';
import { AnswerError, ServerLink } from './server-link.js';
import { TryPanel } from './try-panel.js';

/** How often the status is asked for while somebody looks. */
const POLL_MILLISECONDS = 1000;

const link = new ServerLink();
const history = new StatusHistory();
const tryPanel = new TryPanel(link);
const parts = [
  new LoadPlots(history),
  new ModelTable(history, (key) => tryPanel.choose(key)),
  new ErrorTable(),
  new GpuTable(),
  tryPanel,
];
const tokenForm = byId<HTMLFormElement>('token-form');

function showHeader({ version, uptime_seconds: uptime, readiness, processes, connections }: ServerStatus): void {
  setText(byId('server-version'), version);
  setText(byId('uptime'), duration(uptime));
  setText(byId('processes'), String(processes));
  setText(byId('connections'), String(connections));
  const state = byId('readiness');
  state.dataset['state'] = readiness.ready ? 'READY' : 'UNAVAILABLE';
  setText(state, readiness.ready ? 'ready' : 'not ready');
  setNotice(byId('problem'), readiness.reason);
}

async function look(): Promise<void> {
  try {
    const status = await link.status();
    tokenForm.hidden = true;
    history.add(performance.now() / 1000, status);
    showHeader(status);
    for (const part of parts) part.show(status);
  } catch (cause) {
    const refused = cause instanceof AnswerError && (cause.status === 401 || cause.status === 403);
    tokenForm.hidden = !refused;
    const state = byId('readiness');
    state.dataset['state'] = 'UNAVAILABLE';
    setText(state, 'no answer');
    const why = (cause as Error).message;
    setNotice(byId('problem'), refused ? why : `What is shown is of earlier: the server does not answer (${why}).`);
  }
}

/** One question at a time, and none while the page is hidden. */
async function watch(): Promise<never> {
  for (;;) {
    if (!document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

tokenForm.addEventListener('submit', (event) => {
  event.preventDefault();
  link.useToken(byId<HTMLInputElement>('token').value);
  void look();
});
void watch();
