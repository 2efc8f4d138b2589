import { writeFile } from 'node:fs/promises';
import { referenceFiles } from './reference.js';

/** Writes the generated pages: `make docs`. */
const root = new URL('../../../', import.meta.url);
for (const [path, text] of referenceFiles()) await writeFile(new URL(path, root), text);
console.log(`wrote ${[...referenceFiles().keys()].join(', ')}`);
