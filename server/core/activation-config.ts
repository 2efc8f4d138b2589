import { z } from 'zod';

/** The key `postprocess.activation`. */
export const activationSchema = z
  .enum(['none', 'softmax', 'sigmoid'])
  .default('none')
  .describe(
    'What turns the scores that the model tells into probabilities; none: they are, or nobody wants them to be. ' +
      'Classifiers.',
  );
