import { homedir } from 'node:os';
import test from 'ava';
import { cacheDirectory } from '../../server/config/cache-directory.js';

test('the cache lies where XDG_CACHE_HOME says', (t) => {
  t.is(cacheDirectory('engines', { XDG_CACHE_HOME: '/fast/cache' }), '/fast/cache/sluice/engines');
});

test('without it, or with one that is no absolute path, the cache lies in the home directory', (t) => {
  for (const environment of [{}, { XDG_CACHE_HOME: '' }, { XDG_CACHE_HOME: 'cache' }]) {
    t.is(cacheDirectory('engines', environment), `${homedir()}/.cache/sluice/engines`);
  }
});
