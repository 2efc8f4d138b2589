import { writeFile } from 'node:fs/promises';
import { renderManifests } from './manifests.js';

/** `make manifests`: writes the plain manifests anew. */
for (const [path, text] of await renderManifests()) await writeFile(path, text);
