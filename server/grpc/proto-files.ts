import { fileURLToPath } from 'node:url';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, type DescriptorProto } from '@bufbuild/protobuf/wkt';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';

/** Directory of the protocol files, from dist/server/grpc. */
const PROTO_ROOT = fileURLToPath(new URL('../../../proto', import.meta.url));

/** The files of the services, as they are imported. */
const SERVED = ['sluice/v1/inference.proto', 'sluice/v1/repository.proto', 'inference/grpc_service.proto'];

/** The protocols as descriptors, for reflection; the calls themselves run on generated code. */
export function loadProtoFiles(): PackageDefinition {
  const loaded = loadSync([...SERVED, healthProto], { includeDirs: [PROTO_ROOT], keepCase: true });
  const mended = new Map<Buffer, Buffer>();
  const mend = (file: Buffer): Buffer => {
    const known = mended.get(file) ?? withMapEntries(file);
    mended.set(file, known);
    return known;
  };
  return Object.fromEntries(
    Object.entries(loaded).map(([name, definition]) => [
      name,
      isType(definition)
        ? { ...definition, fileDescriptorProtos: definition.fileDescriptorProtos.map(mend) }
        : definition,
    ]),
  ) as PackageDefinition;
}

type Definition = PackageDefinition[string];

/** A message or enum; what else there is are services. */
function isType(definition: Definition): definition is Definition & { readonly fileDescriptorProtos: Buffer[] } {
  return Array.isArray(definition['fileDescriptorProtos']);
}

/** A file whose maps are named as the specification has it: the loader leaves out `Entry`, and Go's clients refuse that. */
function withMapEntries(file: Buffer): Buffer {
  const descriptor = fromBinary(FileDescriptorProtoSchema, file);
  descriptor.messageType.forEach(nameMapEntries);
  return Buffer.from(toBinary(FileDescriptorProtoSchema, descriptor));
}

function nameMapEntries(message: DescriptorProto): void {
  message.nestedType.forEach(nameMapEntries);
  for (const field of message.field) {
    const entry = message.nestedType.find(({ name, options }) => options?.mapEntry === true && name === field.typeName);
    if (entry === undefined) continue;
    const words = field.name.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
    entry.name = `${words.join('')}Entry`;
    field.typeName = entry.name;
  }
}
