import type { Command } from 'commander';
import { ModelState, RepositoryClient } from '../../clients/typescript/repository-client.js';

const DEFAULT_SERVER = '127.0.0.1:8001';

interface ServerFlag {
  readonly server: string;
}

/** Adds `list`, `load` and `unload` to `sluice models`: what a running server has loaded, and control over it. */
export function registerRemoteModels(models: Command): void {
  const flag = ['--server <HOST:PORT>', 'the running server', DEFAULT_SERVER] as const;
  models
    .command('list')
    .description('list the models of a running server with their states')
    .option(...flag)
    .option('--json', 'print one JSON object a version')
    .action(list);
  models
    .command('load')
    .description('load a model into a running server, or bring it up to date (--model-control-mode explicit)')
    .argument('<NAME>', 'name of its directory')
    .option(...flag)
    .action(load);
  models
    .command('unload')
    .description('unload a model from a running server (--model-control-mode explicit)')
    .argument('<NAME>', 'name of its directory')
    .option(...flag)
    .action(unload);
}

async function list({ server, json }: ServerFlag & { readonly json?: boolean }): Promise<void> {
  using client = await RepositoryClient.connect(server);
  for (const { name, version, state, reason } of await client.list()) {
    const stateName = ModelState[state].replace('MODEL_STATE_', '');
    if (json === true) console.log(JSON.stringify({ name, version, state: stateName, reason }));
    else console.log([name.padEnd(24), (version || '-').padEnd(8), stateName.padEnd(12), reason].join(' ').trimEnd());
  }
}

async function load(name: string, { server }: ServerFlag): Promise<void> {
  using client = await RepositoryClient.connect(server);
  await client.load(name);
  console.log(`${name} is loaded`);
}

async function unload(name: string, { server }: ServerFlag): Promise<void> {
  using client = await RepositoryClient.connect(server);
  await client.unload(name);
  console.log(`${name} is unloaded`);
}
