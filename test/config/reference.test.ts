import { readFile } from 'node:fs/promises';
import test from 'ava';
import { referenceFiles } from '../../server/cli/reference.js';
import { ERRORS } from '../../server/core/errors.js';

const ROOT = new URL('../../../', import.meta.url);

for (const [path, text] of referenceFiles()) {
  test(`${path} is what \`make docs\` would write`, async (t) => {
    const committed = await readFile(new URL(path, ROOT), 'utf8');
    t.true(committed === text, `${path} is stale: run make docs and commit it`);
  });
}

test('the server reference has every error code', (t) => {
  const page = referenceFiles().get('server/REFERENCE.md') ?? '';
  for (const code of Object.keys(ERRORS)) t.true(page.includes(`| \`${code}\` `), code);
});

test('every link inside the configuration reference has a title to go to', (t) => {
  const page = referenceFiles().get('model-repo/CONFIG.md') ?? '';
  const titles = new Set([...page.matchAll(/^## (.*)$/gm)].map(([, title = '']) => title.replace(/[.[\]]/g, '')));
  const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = '']) => anchor);
  t.true(links.length > 5);
  for (const anchor of links) t.true(titles.has(anchor), anchor);
});
