import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';

/** Where the names are declared that the table of clients/README.md gives. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  TypeScript: ['sluice-client.ts', 'repository-client.ts', 'health-client.ts', 'call-settings.ts', 'channel.ts'].map(
    (name) => join('typescript', name),
  ),
  Python: ['client.py', 'aio_client.py', 'channel.py', 'options.py'].map((name) =>
    join('python', 'sluice_client', name),
  ),
  Go: ['client.go', 'options.go', 'repository.go'].map((name) => join('go', 'sluiceclient', name)),
  Java: ['SluiceClient.java', 'ConnectOptions.java', 'Answers.java'].map((name) =>
    join('java', 'src', 'main', 'java', 'sluice', 'client', name),
  ),
  'C++': ['client.h', 'stream.h'].map((name) => join('cpp', 'include', 'sluice', name)),
};

/** The versions of gRPC, where the clients say which they take. */
const GRPC: Readonly<Record<string, readonly [file: string, version: RegExp]>> = {
  TypeScript: [join('typescript', 'package.json'), /"@grpc\/grpc-js": "\^(\d+\.\d+)/],
  Python: [join('..', 'test', 'requirements.txt'), /^grpcio==(\d+\.\d+)/m],
  Go: [join('go', 'go.mod'), /google\.golang\.org\/grpc v(\d+\.\d+)/],
  Java: [join('java', 'pom.xml'), /<grpc\.version>(\d+\.\d+)/],
};

/** The table's rows by their first cell, each with a cell for each language. */
async function readTable(): Promise<Map<string, Map<string, string>>> {
  const readme = await readFile(join('clients', 'README.md'), 'utf8');
  const [first] = /(?:^\|.*\n)+/m.exec(readme)!;
  const [head, , ...rows] = first
    .trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const languages = head!.slice(1).map((cell) => /\[(.*)\]/.exec(cell)![1]!);
  return new Map(
    rows.map(([name, ...cells]) => [name!, new Map(cells.map((cell, index) => [languages[index]!, cell]))]),
  );
}

test('every name that the table of clients gives is one of its client', async (t) => {
  const table = await readTable();
  let names = 0;
  for (const [language, files] of Object.entries(SOURCES)) {
    const source = (await Promise.all(files.map((file) => readFile(join('clients', file), 'utf8')))).join('\n');
    for (const [feature, cells] of table) {
      for (const [, name] of cells.get(language)!.matchAll(/`([^`]+)`/g)) {
        const word = name!.split('.').at(-1)!;
        t.regex(source, new RegExp(`\\b${word}\\b`), `${language}, ${feature}: ${name}`);
        names += 1;
      }
    }
  }
  t.true(names > 40);
});

test('the versions of gRPC in the table are those that the clients take', async (t) => {
  const tested = (await readTable()).get('Tested with')!;
  for (const [language, [file, version]] of Object.entries(GRPC)) {
    const [, found] = version.exec(await readFile(join('clients', file), 'utf8'))!;
    t.true(tested.get(language)!.endsWith(` ${found}`), `${language}: ${found}`);
  }
});

test('the packages ask for what the server is tested with', async (t) => {
  const dependencies = async (file: string) =>
    (JSON.parse(await readFile(file, 'utf8')) as { dependencies: Readonly<Record<string, string>> }).dependencies;
  const ours = await dependencies('package.json');
  const theirs = await dependencies(join('clients', 'typescript', 'package.json'));
  for (const [name, version] of Object.entries(theirs)) t.is(version, ours[name] ?? '', name);
});
