import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runToEnd, type Ended } from './client-programs.js';

/** A `detect` program that runs with nothing but a package as a user installs it. */
export type InstalledDetect = (args: readonly string[]) => Promise<Ended>;

const TYPESCRIPT = join('clients', 'typescript');
const PYTHON = join('clients', 'python');
const PYTHON_SOURCES = ['README.md', 'generate.py', 'pyproject.toml', 'setup.py', 'sluice_client'];

/** Packs the TypeScript package, installs it into the directory and compiles its example there against its types. */
export async function installTypeScript(directory: string): Promise<InstalledDetect> {
  await succeed('npm', ['pack', `./${TYPESCRIPT}`, '--silent', '--pack-destination', directory]);
  const manifest = { type: 'module', dependencies: { 'sluice-client': 'file:sluice-client-0.1.0.tgz' } };
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
  await succeed('npm', ['install', '--prefix', directory, '--no-audit', '--no-fund', '--prefer-offline', '--silent']);
  await cp(join(TYPESCRIPT, 'examples', 'detect.ts'), join(directory, 'detect.ts'));
  const compilerOptions = { target: 'es2023', lib: ['es2023', 'esnext.disposable'], module: 'nodenext', strict: true };
  await writeFile(
    join(directory, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, types: ['node'] }, files: ['detect.ts'] }),
  );
  await succeed('npx', ['tsc', '-p', directory]);
  return (args) => runToEnd(process.execPath, [join(directory, 'detect.js'), ...args]);
}

/** Installs the Python package into a virtual environment of the directory's, as `pip install ./clients/python` does. */
export async function installPython(directory: string): Promise<InstalledDetect> {
  // A copy, as pip builds in the sources; the proto/ that it generates from lies where it does for them.
  const sources = join(directory, PYTHON);
  await mkdir(sources, { recursive: true });
  await cp('proto', join(directory, 'proto'), { recursive: true });
  for (const name of PYTHON_SOURCES)
    await cp(join(PYTHON, name), join(sources, name), { recursive: true, filter: isSource });
  const environment = join(directory, 'environment');
  const python = join(environment, 'bin', 'python');
  await succeed(join('.venv', 'bin', 'python'), ['-m', 'venv', environment]);
  await succeed(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', sources]);
  for (const name of ['detect.py', 'program.py']) {
    await cp(join(PYTHON, name), join(directory, 'programs', name), { recursive: true });
  }
  return (args) => runToEnd(python, [join(directory, 'programs', 'detect.py'), ...args]);
}

/** What is generated is left behind, so that the package has to bring its own. */
function isSource(path: string): boolean {
  return !/(^|\/)(gen|__pycache__)$/.test(path);
}

async function succeed(file: string, args: readonly string[]): Promise<void> {
  const { code, lines, stderr } = await runToEnd(file, args);
  if (code !== 0) throw new Error(`${file} ${args.join(' ')}: ${code}\n${[...lines, stderr].join('\n')}`);
}
