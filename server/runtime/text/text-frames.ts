import { ServingError } from '../../core/errors.js';
import { regionsOf } from '../../core/inference.js';
import type { Frame } from '../frame-batch.js';
import type { FrameTask } from '../messages.js';
import type { Size } from '../sampling.js';
import { requireText, type Tokenizer } from './tokenizer.js';

/** A text has no size. */
const NO_SIZE: Size = { width: 0, height: 0 };

/** A frame of a batch with its tokens; null: it has failed. */
export interface TextFrame {
  readonly frame: Frame<Size>;
  readonly ids: readonly number[] | null;
}

/** Reads the texts of a batch; one that cannot be read fails alone. */
export function readTexts(tasks: readonly FrameTask[], tokenizer: Tokenizer): TextFrame[] {
  return tasks.map(({ content, parameters }) => {
    try {
      if (regionsOf(parameters).length > 0) {
        throw new ServingError('INVALID_REQUEST', 'a text has no regions; leave `regions` out');
      }
      const ids = tokenizer.encode(requireText(content));
      return { frame: { parameters, picture: NO_SIZE, results: [], attachments: [] }, ids };
    } catch (cause) {
      const error = ServingError.from(cause);
      return { frame: { parameters, picture: error, results: [], attachments: [] }, ids: null };
    }
  });
}
