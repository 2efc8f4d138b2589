#!/usr/bin/env node
import { run } from './cli/program.js';

// Threads that hang in native code would keep the process alive for ever.
process.exit(await run(process.argv));
