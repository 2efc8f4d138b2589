import type { Command } from 'commander';
import { ModelState, RepositoryClient } from '../../clients/typescript/repository-client.js';
import { addCredentialOptions, connectionSettings, type CredentialFlags } from './client-credentials.js';

const DEFAULT_SERVER = '127.0.0.1:8001';

interface ServerFlags extends CredentialFlags {
  readonly server: string;
}

/** Adds `list`, `load` and `unload` to `sluice models`: what a running server has loaded, and control over it. */
export function registerRemoteModels(models: Command): void {
  const remote = (name: string): Command =>
    addCredentialOptions(models.command(name).option('--server <HOST:PORT>', 'the running server', DEFAULT_SERVER));
  remote('list')
    .description('list the models of a running server with their states')
    .option('--json', 'print one JSON object a version')
    .action(list);
  remote('load')
    .description('load a model into a running server, or bring it up to date (--model-control-mode explicit)')
    .argument('<NAME>', 'name of its directory')
    .action(load);
  remote('unload')
    .description('unload a model from a running server (--model-control-mode explicit)')
    .argument('<NAME>', 'name of its directory')
    .action(unload);
}

async function list({ json, ...flags }: ServerFlags & { readonly json?: boolean }): Promise<void> {
  using client = await connect(flags);
  for (const { name, version, state, reason } of await client.list()) {
    const stateName = ModelState[state].replace('MODEL_STATE_', '');
    if (json === true) console.log(JSON.stringify({ name, version, state: stateName, reason }));
    else console.log([name.padEnd(24), (version || '-').padEnd(8), stateName.padEnd(12), reason].join(' ').trimEnd());
  }
}

async function load(name: string, flags: ServerFlags): Promise<void> {
  using client = await connect(flags);
  await client.load(name);
  console.log(`${name} is loaded`);
}

async function unload(name: string, flags: ServerFlags): Promise<void> {
  using client = await connect(flags);
  await client.unload(name);
  console.log(`${name} is unloaded`);
}

async function connect(flags: ServerFlags): Promise<RepositoryClient> {
  return await RepositoryClient.connect(flags.server, await connectionSettings(flags));
}
