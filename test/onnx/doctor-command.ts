import { Command } from 'commander';
import { registerDoctor } from '../../server/cli/doctor.js';

/** `sluice doctor` alone, as a process. */
const program = new Command('sluice');
registerDoctor(program);
await program.parseAsync();
