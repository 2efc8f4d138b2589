import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { loadSync, type MethodDefinition } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import test from 'ava';
import { METHODS } from '../../server/grpc/method-groups.js';

/** The package carries the protocol that it serves. */
const REFLECTION = join(
  dirname(createRequire(import.meta.url).resolve('@grpc/reflection/build/proto/sample/sample.proto')),
  '..',
);

/** Every method of every service in the protocol files, by path. */
function methodsOfTheProtocol(): Map<string, MethodDefinition<object, object>> {
  const files = readdirSync('proto', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.proto'));
  const reflection = ['v1', 'v1alpha'].map((version) =>
    join(REFLECTION, 'grpc/reflection', version, 'reflection.proto'),
  );
  // Ours first: two files of one symbol cannot be loaded together.
  const definitions = [
    ...files.map((file) => loadSync(relative('proto', join('proto', file)), { includeDirs: ['proto'] })),
    ...[healthProto, ...reflection].map((file) => loadSync(file, { includeDirs: [REFLECTION] })),
  ];
  const methods = new Map<string, MethodDefinition<object, object>>();
  for (const definition of definitions.flatMap((all) => Object.values(all))) {
    if ('format' in definition) continue;
    for (const method of Object.values(definition))
      methods.set(method.path, method as MethodDefinition<object, object>);
  }
  return methods;
}

const methods = methodsOfTheProtocol();

test('every method of the protocol is in a group', (t) => {
  t.true(methods.size >= 12, `only ${methods.size} methods were found`);
  t.deepEqual(
    [...methods.keys()].filter((path) => !METHODS.has(path)),
    [],
  );
});

test('no method is in a group that no protocol file has', (t) => {
  // KServe's are listed ahead of their service.
  const services = new Set([...methods.keys()].map((path) => path.split('/')[1]));
  const known = [...METHODS.keys()].filter((path) => services.has(path.split('/')[1]));
  t.deepEqual(
    known.filter((path) => !methods.has(path)),
    [],
  );
});

test('streams of requests are those of the group inference that read a stream', (t) => {
  for (const [path, { group, manyRequests }] of METHODS) {
    const method = methods.get(path);
    if (method !== undefined) t.is(manyRequests, group === 'inference' && method.requestStream, path);
  }
});
