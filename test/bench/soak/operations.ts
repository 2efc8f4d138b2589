import { status as Status, type ServiceError } from '@grpc/grpc-js';
import { RepositoryClient } from '../../../clients/typescript/repository-client.js';
import { inferMessage } from '../../support/kserve-client.js';
import type { Random } from '../../support/random.js';
import { askRest } from '../../support/rest-client.js';
import { tensor } from '../../support/tensors.js';
import { oneOf, same, type Kind } from './kind.js';
import { meansConfig, type SoakServer } from './soak-server.js';

/** What operators do: models come, go and change, and everything is asked about. */
export function operationKinds({ serving, kserve }: SoakServer): readonly Kind[] {
  const { server, repository } = serving;
  const { grpcAddress, httpAddress } = server;

  const comeAndGo = async (random: Random): Promise<number> => {
    const name = random.chance(0.5) ? 'guest' : 'visitor';
    const fields = { repositoryName: '', modelName: name, parameters: {} };
    const load = random.chance(0.5);
    const way = random.int(0, 2);
    if (way === 0) {
      using client = await RepositoryClient.connect(grpcAddress);
      await mayBeGone(load ? client.load(name) : client.unload(name));
    } else if (way === 1) {
      await mayBeGone(load ? kserve.call('repositoryModelLoad', fields) : kserve.call('repositoryModelUnload', fields));
    } else {
      const { status } = await askRest(serving, `/v2/repository/models/${name}/${load ? 'load' : 'unload'}`, {});
      if (![200, 400, 404, 503].includes(status)) throw new Error(`REST answered ${status}`);
    }
    return 1;
  };

  const askGuest = async (): Promise<number> => {
    const ones = new Int32Array(16).fill(1);
    const inputs = ['INPUT0', 'INPUT1'].map((name) => tensor(name, 'INT32', [1, 16], ones));
    await mayBeGone(kserve.infer(inferMessage('guest', inputs)));
    return 1;
  };

  let generation = 0;
  let reloading = Promise.resolve();
  const reload = async (): Promise<number> => {
    // One at a time, or a load would find the configuration half written.
    reloading = reloading.then(async () => {
      await repository.configure('means', meansConfig(++generation));
      await kserve.call('repositoryModelLoad', { repositoryName: '', modelName: 'means', parameters: {} });
    });
    await reloading;
    return 1;
  };

  const look = async (random: Random): Promise<number> => {
    const path = random.pick(['/metrics', '/v1/status', '/livez', '/v2', '/v2/models/floats', '/v2/models/stats']);
    const response = await fetch(`http://${httpAddress}${path}`);
    await response.text();
    same(`the status of ${path}`, response.status, 200);
    await kserve.call('modelStatistics', { name: '', version: '' });
    await kserve.call('repositoryIndex', { repositoryName: '', ready: false });
    return 3;
  };

  return [
    { name: 'load or unload', weight: 1, act: comeAndGo },
    { name: 'ModelInfer of a model that comes and goes', weight: 5, act: askGuest },
    { name: 'reload', weight: 0.5, act: reload },
    { name: 'metrics, status, statistics', weight: 2, act: look },
  ];
}

/** Throws unless a call succeeds or tells that the model is not there, or not yet. */
async function mayBeGone(call: Promise<unknown>): Promise<void> {
  const code = await call.then(
    () => Status.OK,
    (error: ServiceError) => error.code,
  );
  oneOf('a call about a model that comes and goes', code, [Status.OK, Status.NOT_FOUND, Status.UNAVAILABLE]);
}
