import test from 'ava';
import { cycles, danglingImports, forbiddenImports, longFiles, wrongDoors } from './checker.js';
import { specifiers, type Source } from './source.js';

/** The checker itself, on files made up to break the rules. */

function source(path: string, text: string): Source {
  return { path, text };
}

test('every form of import is seen', (t) => {
  const text = `
    import a from './a.js';
    import { b,
      c } from "./b.js";
    import type { D } from './d.js';
    import * as e from './e.js';
    import './f.js';
    export { g } from './g.js';
    export * from './h.js';
    export type { I } from './i.js';
    const j = await import('./j.js');
    const k = require('./k.js');`;
  const expected = ['a', 'b', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'].map((name) => `./${name}.js`);
  t.deepEqual(specifiers(source('core/x.ts', text)).sort(), expected);
});

test('comments are not code', (t) => {
  const text = `
    /** import x from './x.js'; process.env */
    // import y from './y.js'; console.log()
    const address = 'http://localhost'; // process.exit(1)`;
  t.deepEqual(specifiers(source('core/x.ts', text)), []);
  t.deepEqual(wrongDoors([source('core/x.ts', text)]), []);
});

const FORBIDDEN: readonly [path: string, specifier: string][] = [
  ...['grpc', 'http', 'runtime', 'config', 'cli', 'onnx', 'catalog'].map((part): [string, string] => [
    'core/model.ts',
    `../${part}/x.js`,
  ]),
  ['core/model.ts', '../app.js'],
  ['grpc/server.ts', '../http/metrics.js'],
  ['grpc/server.ts', '../runtime/native.js'],
  ['http/server.ts', '../config/options.js'],
  ['http/server.ts', '../gen/sluice/v1/inference.js'],
  ['runtime/tasks/task.ts', '../../grpc/status.js'],
  ['config/options.ts', '../runtime/native.js'],
  ['onnx/rewrite.ts', '../core/model-config.js'],
  ['onnx/rewrite.ts', '../runtime/native.js'],
  ['catalog/pull.ts', '../cli/program.js'],
  ['catalog/pull.ts', '../config/options.js'],
  ['cli/serve.ts', '../runtime/native.js'],
  ['cli/serve.ts', '../http/endpoints.js'],
  ['cli/serve.ts', '../../clients/python/client.js'],
  ['app.ts', './cli/program.js'],
  ['app.ts', './catalog/pull.js'],
  ['main.ts', './app.js'],
  ['novel/x.ts', '../core/errors.js'],
];

for (const [path, specifier] of FORBIDDEN) {
  test(`${path} may not import ${specifier}`, (t) => {
    t.is(forbiddenImports([source(path, `import { x } from '${specifier}';`)]).length, 1);
    t.is(forbiddenImports([source(path, `import type { X } from '${specifier}';`)]).length, 1);
  });
}

test('what the table allows passes', (t) => {
  const allowed = [
    source('core/model.ts', "import './errors.js'; import '../gen/x.js';"),
    source(
      'onnx/rules/shape.ts',
      "import '../tensor.js'; import '../../core/errors.js'; import '../../gen/onnx/onnx.js';",
    ),
    source(
      'runtime/tasks/task.ts',
      "import '../native.js'; import '../../core/errors.js'; import '../../onnx/rewrite.js';",
    ),
    source('cli/detect.ts', "import '../../clients/typescript/sluice-client.js'; import '../app.js';"),
    source('cli/reference.ts', "import '../http/endpoints.js';"),
    source('main.ts', "import './cli/program.js';"),
  ];
  t.deepEqual(forbiddenImports(allowed), []);
});

const WRONG_DOORS: readonly [path: string, text: string][] = [
  ['core/model.ts', "import type { Server } from '@grpc/grpc-js';"],
  ['app.ts', "import health from 'grpc-health-check';"],
  ['app.ts', "import { Piscina } from 'piscina';"],
  ['runtime/instance-group.ts', "import { Piscina } from 'piscina';"],
  ['runtime/cpu-instance.ts', "import { threadId } from 'node:worker_threads';"],
  ['runtime/cpu-instance.ts', "import * as ort from 'onnxruntime-node';"],
  ['runtime/cpu-instance.ts', "const ort = await import('onnxruntime-node');"],
  ['runtime/cpu-instance.ts', "import sharp from 'sharp';"],
  ['runtime/cpu-instance.ts', "const addon = load('../../build/Release/sluice.node');"],
  ['runtime/cpu-instance.ts', "import { createRequire } from 'node:module';"],
  ['grpc/server.ts', "import fastify from 'fastify';"],
  ['app.ts', "import { Counter } from 'prom-client';"],
  ['cli/serve.ts', 'const port = process.env.PORT;'],
  ['cli/serve.ts', "const port = process.env['PORT'];"],
  ['cli/serve.ts', 'process.exit(1);'],
  ['cli/serve.ts', "import { env } from 'node:process';"],
  ['app.ts', "console.log('ready');"],
  ['core/model.ts', 'setTimeout(callback, 10);'],
  ['core/model.ts', 'const now = Date.now();'],
  ['core/model.ts', "import { readFile } from 'node:fs/promises';"],
];

for (const [path, text] of WRONG_DOORS) {
  test(`${path} may not have: ${text}`, (t) => {
    t.is(wrongDoors([source(path, text)]).length, 1);
  });
}

test('what uses its own door passes', (t) => {
  const allowed = [
    source('grpc/server.ts', "import { Server } from '@grpc/grpc-js';"),
    source('runtime/instance-thread.ts', "import { Piscina } from 'piscina';"),
    source('config/options.ts', 'const environment = process.env;'),
    source('cli/serve.ts', "console.log('ready'); process.exitCode = 1;"),
    source('core/clock.ts', 'setTimeout(callback, 10);'),
    source('http/server.ts', 'const now = Date.now();'),
    source('main.ts', 'process.exit(0);'),
  ];
  t.deepEqual(wrongDoors(allowed), []);
});

test('a cycle is told with its way, type imports included', (t) => {
  const files = [
    source('core/a.ts', "import { b } from './b.js';"),
    source('core/b.ts', "import { c } from './deep/c.js';"),
    source('core/deep/c.ts', "import type { A } from '../a.js';"),
    source('core/d.ts', "import { a } from './a.js';"),
  ];
  t.deepEqual(cycles(files), ['core/a.ts -> core/b.ts -> core/deep/c.ts -> core/a.ts']);
  t.deepEqual(cycles(files.slice(0, 2)), []);
});

test('an import that leads nowhere is told', (t) => {
  t.deepEqual(danglingImports([source('core/a.ts', "import './b.js'; import '../gen/x.js';")]), [
    'core/a.ts imports core/b.ts',
  ]);
});

test('a file that is too long is told with its length', (t) => {
  const files = [source('core/a.ts', 'x\n'.repeat(301)), source('core/b.ts', 'x\n'.repeat(300))];
  t.deepEqual(longFiles(files, 300), ['core/a.ts has 301 lines']);
});
