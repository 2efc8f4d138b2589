import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Client, credentials, loadPackageDefinition, type ClientDuplexStream } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, loadSync, type MethodDefinition } from '@grpc/proto-loader';
import test from 'ava';
import { Serving } from '../support/serving.js';

/** The package carries the protocol that it serves. */
const PROTO_DIRECTORY = dirname(
  createRequire(import.meta.url).resolve('@grpc/reflection/build/proto/sample/sample.proto'),
);

interface ReflectionRequest {
  readonly list_services?: string;
  readonly file_containing_symbol?: string;
}

interface ReflectionResponse {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] } | null;
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] } | null;
  readonly error_response?: { readonly error_code: number; readonly error_message: string } | null;
}

const VERSIONS = ['v1', 'v1alpha'] as const;

/** Asks one question of the reflection service. */
async function reflect(
  address: string,
  request: ReflectionRequest,
  version: (typeof VERSIONS)[number] = 'v1',
): Promise<ReflectionResponse> {
  const definition = loadSync(`grpc/reflection/${version}/reflection.proto`, {
    includeDirs: [`${PROTO_DIRECTORY}/..`],
    keepCase: true,
  });
  const service = definition[`grpc.reflection.${version}.ServerReflection`] as Record<
    string,
    MethodDefinition<ReflectionRequest, ReflectionResponse>
  >;
  const { path, requestSerialize, responseDeserialize } = service['ServerReflectionInfo']!;
  const client = new Client(address, credentials.createInsecure());
  try {
    const call: ClientDuplexStream<ReflectionRequest, ReflectionResponse> = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
    );
    call.end(request);
    for await (const response of call) return response as ReflectionResponse;
    throw new Error('the reflection service answered nothing');
  } finally {
    client.close();
  }
}

/** The descriptors of a symbol and all that it needs, as one FileDescriptorSet (field 1, length-delimited). */
function descriptorSet(files: readonly Buffer[]): Buffer {
  const varint = (value: number): number[] =>
    value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
  return Buffer.concat(files.flatMap((file) => [Buffer.from([0x0a, ...varint(file.length)]), file]));
}

for (const version of VERSIONS) {
  test.serial(`reflection ${version} lists every service of the server`, async (t) => {
    await using serving = await Serving.start(async () => {});
    const { list_services_response: list } = await reflect(serving.server.grpcAddress, { list_services: '' }, version);
    const names = list?.service.map(({ name }) => name) ?? [];
    for (const name of ['sluice.v1.Inference', 'sluice.v1.Repository', 'grpc.health.v1.Health']) {
      t.true(names.includes(name), `${name} is missing in ${names.join()}`);
    }
  });
}

test.serial('the descriptors of a service suffice to call it without its proto files', async (t) => {
  await using serving = await Serving.start(async () => {});
  for (const symbol of ['sluice.v1.Inference', 'sluice.v1.Repository']) {
    const answer = await reflect(serving.server.grpcAddress, { file_containing_symbol: symbol });
    const files = answer.file_descriptor_response?.file_descriptor_proto ?? [];
    t.true(files.length > 0, symbol);
    const definition = loadFileDescriptorSetFromBuffer(descriptorSet(files));
    t.true(symbol in definition);
    t.notThrows(() => loadPackageDefinition(definition));
  }
  const inference = await reflect(serving.server.grpcAddress, { file_containing_symbol: 'sluice.v1.Inference' });
  const service = loadFileDescriptorSetFromBuffer(
    descriptorSet(inference.file_descriptor_response?.file_descriptor_proto ?? []),
  )['sluice.v1.Inference'] as Record<string, MethodDefinition<object, object>>;
  t.deepEqual(Object.keys(service).sort(), ['Classify', 'Detect', 'Embed', 'Segment']);
  t.is(service['Detect']?.path, '/sluice.v1.Inference/Detect');
  t.true(service['Detect']?.requestStream === true && service['Detect']?.responseStream === true);
});

test.serial('the descriptors of messages and methods are there', async (t) => {
  await using serving = await Serving.start(async () => {});
  for (const symbol of ['sluice.v1.DetectResponse', 'sluice.v1.Inference.Detect', 'sluice.v1.LoadModelRequest']) {
    const answer = await reflect(serving.server.grpcAddress, { file_containing_symbol: symbol });
    t.true((answer.file_descriptor_response?.file_descriptor_proto.length ?? 0) > 0, symbol);
  }
});

test.serial('a symbol that is unknown is NOT_FOUND', async (t) => {
  await using serving = await Serving.start(async () => {});
  const answer = await reflect(serving.server.grpcAddress, { file_containing_symbol: 'sluice.v1.Nonsense' });
  t.is(answer.error_response?.error_code, 5);
});
