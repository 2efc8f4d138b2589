import { readFile } from 'node:fs/promises';
import test from 'ava';

/** A code block that says in a comment before it which file it is. */
const SNIPPET = /<!-- (\S+) -->\n\n```\w*\n([\s\S]*?)```/g;

test('every snippet of the README is a file of the repository, word for word', async (t) => {
  const readme = await readFile('README.md', 'utf8');
  const snippets = [...readme.matchAll(SNIPPET)];
  t.deepEqual(
    snippets.map(([, file]) => file),
    [
      'clients/typescript/quickstart.ts',
      'clients/python/quickstart.py',
      'clients/go/cmd/quickstart/main.go',
      'clients/typescript/in-process.ts',
      'test/models/faces/config.yaml',
      'model-repo/centerface/config.yaml',
    ],
  );
  for (const [, file, text] of snippets) t.is(text, await readFile(file!, 'utf8'), file);
});
