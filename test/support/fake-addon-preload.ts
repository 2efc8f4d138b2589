import { register } from 'node:module';

/** Loaded ahead of a server, in each of its processes. */
register('./fake-addon-hook.js', import.meta.url);
