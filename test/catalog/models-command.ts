import { Command } from 'commander';
import { registerModels } from '../../server/cli/models.js';

/** `sluice models` alone, as a process that tests can end. */
const program = new Command('sluice');
registerModels(program);
await program.parseAsync();
