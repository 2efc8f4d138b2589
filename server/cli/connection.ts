import { Option, type Command } from 'commander';
import { SluiceClient } from '../../clients/typescript/sluice-client.js';
import { App } from '../app.js';
import { ownServerEnvironment, resolveServerOptions, UsageError } from '../config/server-options.js';
import { addCredentialOptions, connectionSettings, type CredentialFlags } from './client-credentials.js';
import { createLogger } from './logger.js';

/** Where a command's requests go: the flags that `addConnectionOptions` adds. */
export interface ConnectionFlags extends CredentialFlags {
  readonly server?: string;
  readonly modelRepository?: string;
  readonly model?: string;
}

/** Adds the flags that say where requests go. */
export function addConnectionOptions(command: Command): Command {
  command
    .option('--model <NAME>', 'model to ask; may be left out where only one fits')
    .option('--server <HOST:PORT>', 'a running server; without it the command starts one of its own for the occasion')
    .addOption(new Option('--model-repository <DIR>', 'repository of the own server').conflicts('server'));
  return addCredentialOptions(command);
}

/** Runs `use` with a client of the server that the flags name, or of one started for the occasion. */
export async function withClient<T>(flags: ConnectionFlags, use: (client: SluiceClient) => Promise<T>): Promise<T> {
  if (flags.server !== undefined) {
    using client = await SluiceClient.connect(flags.server, await connectionSettings(flags));
    return await use(client);
  }
  if (flags.tls === true) throw new UsageError('--tls only has a meaning with --server');
  const own = {
    ...(flags.modelRepository === undefined ? {} : { modelRepository: flags.modelRepository }),
    grpcAddress: '127.0.0.1:0',
    httpAddress: '127.0.0.1:0',
    modelControlMode: 'explicit',
    loadModel: [flags.model ?? '*'],
    logLevel: 'fatal',
  };
  const options = resolveServerOptions(own, ownServerEnvironment());
  await using app = await App.create(options, createLogger(options));
  using client = await SluiceClient.connect(app.grpcAddress);
  return await use(client);
}
