import { fileURLToPath } from 'node:url';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

/** Directory of the protocol files, from dist/server/grpc. */
const PROTO_ROOT = fileURLToPath(new URL('../../../proto', import.meta.url));

/** The protocol as descriptors, for reflection; the calls themselves run on generated code. */
export function loadProtoFiles(): PackageDefinition {
  return loadSync(['sluice/v1/inference.proto', 'sluice/v1/repository.proto'], {
    includeDirs: [PROTO_ROOT],
    keepCase: true,
  });
}
