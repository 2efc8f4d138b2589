import { register } from 'node:module';

/** Loaded ahead of a server, in each of its processes. */
register('./doubled-workers-hook.js', import.meta.url);
