import type { ConfigParser } from '../core/repository-scan.js';
import { parseModelConfig } from './model-config-file.js';
import { parseConfigPbtxt } from './triton/config-pbtxt.js';

/** Reads the configuration of a model in the syntax that the name of its file tells. */
export const readModelConfig: ConfigParser = (text, file, override) =>
  file.endsWith('.pbtxt')
    ? parseConfigPbtxt(text, file, override)
    : { config: parseModelConfig(text, file, override), warnings: [] };
