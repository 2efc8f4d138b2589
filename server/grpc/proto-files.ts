import { fileURLToPath } from 'node:url';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';

/** Directory of the protocol files, from dist/server/grpc. */
const PROTO_ROOT = fileURLToPath(new URL('../../../proto', import.meta.url));

/** The files of the services, as they are imported. */
const SERVED = ['sluice/v1/inference.proto', 'sluice/v1/repository.proto', 'inference/grpc_service.proto'];

/** The protocol as descriptors, for reflection; the calls themselves run on generated code. */
export function loadProtoFiles(): PackageDefinition {
  return loadSync([...SERVED, healthProto], {
    includeDirs: [PROTO_ROOT],
    keepCase: true,
  });
}
