import test from 'ava';
import { ServingError } from '../../server/core/errors.js';
import { toStatus } from '../../server/grpc/status.js';

const detailsOf = (message: string): string => toStatus(new ServingError('INVALID_REQUEST', message)).details ?? '';

test('a text that can travel in a header is told as it is', (t) => {
  const text = 'no model "Modèle ☂ 😀"; there are a, b\n\tand c';
  t.is(detailsOf(text), text);
});

test('half a surrogate pair is told as the sign for what cannot be shown', (t) => {
  t.is(detailsOf('a\ud800b\udc00'), 'a\uFFFDb\uFFFD');
  t.notThrows(() => encodeURI(detailsOf('\udfff')));
});

test('a long text is cut between two characters, where its header would be too long', (t) => {
  for (const character of ['a', ' ', 'é', '漢', '😀']) {
    for (const before of ['', 'x']) {
      const details = detailsOf(before + character.repeat(5000));
      const shown = details.slice(before.length, -3);
      t.is(details.slice(-3), '...');
      t.is(shown, character.repeat(shown.length / character.length), 'whole characters');
      t.true(encodeURI(details).length < 4100, `${encodeURI(details).length} bytes`);
      t.true(encodeURI(details).length > 4080, 'no more is cut than has to be');
    }
  }
});
