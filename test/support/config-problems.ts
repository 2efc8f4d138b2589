import { parseModelConfig } from '../../server/config/model-config-file.js';
import { ServingError } from '../../server/core/errors.js';

export const FILE = 'models/face/config.yaml';

/** A configuration of two lines, to which a test adds the third. */
export const GOOD = 'task: centerface\ninput: { width: 640, height: 480 }\n';

/** The lines of the report on a configuration: those after its title, without the file's name. */
export function problems(text: string): string[] {
  try {
    parseModelConfig(text, FILE);
  } catch (error) {
    if (!(error instanceof ServingError)) throw error;
    if (error.code !== 'CONFIG_INVALID') throw error;
    const [title = '', ...lines] = error.message.split('\n');
    if (!title.startsWith(`${FILE} has `)) throw error;
    return lines.map((line) => line.trim().replace(`${FILE}:`, ''));
  }
  return [];
}
