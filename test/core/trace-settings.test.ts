import test from 'ava';
import { TraceRules, type TraceChoices } from '../../server/core/trace-settings.js';

const OPTIONS = { enabled: true, ratio: 0.5, count: -1 };

test('what a model has set goes before what the server has, and that before the options', (t) => {
  const rules = new TraceRules(OPTIONS);
  t.deepEqual([rules.settings(null), rules.settings('a')], [OPTIONS, OPTIONS]);
  rules.update(null, { enabled: false, ratio: 1 });
  rules.update('a', { enabled: true });
  t.deepEqual(rules.settings(null), { enabled: false, ratio: 1, count: -1 });
  t.deepEqual(rules.settings('a'), { enabled: true, ratio: 1, count: -1 });
  rules.update(null, { ratio: null });
  t.deepEqual(rules.settings('a'), { enabled: true, ratio: 0.5, count: -1 });
  t.deepEqual(rules.settings('b'), { enabled: false, ratio: 0.5, count: -1 });
  rules.update('a', { enabled: null });
  t.deepEqual(rules.settings('a'), rules.settings('b'));
  t.deepEqual(rules.choices, { server: { enabled: false }, models: {} }, 'a model without settings leaves nothing');
});

test("a count is the model's own, or shared by all that have none", (t) => {
  const rules = new TraceRules(OPTIONS);
  t.true(rules.spend('a'), 'without a limit');
  t.is(rules.settings('a').count, -1);
  rules.update(null, { count: 2 });
  rules.update('a', { count: 1 });
  const granted = ['a', 'a', 'b', null, 'c', null].map((model) => rules.spend(model));
  t.deepEqual(granted, [true, false, true, true, false, false]);
  t.deepEqual([rules.settings('a').count, rules.settings(null).count], [0, 0]);
  rules.update('a', { count: null });
  t.false(rules.spend('a'), 'it shares with the others again');
});

test('choices go to other processes as JSON, whatever models are called, and take the place of all others', (t) => {
  const rules = new TraceRules(OPTIONS);
  for (const name of ['__proto__', 'constructor', 'a']) rules.update(name, { ratio: 0 });
  rules.update(null, { count: 7 });
  const other = new TraceRules(OPTIONS);
  other.update('b', { enabled: false });
  other.update(null, { enabled: false });
  t.is(other.settings('b').enabled, false);
  other.choices = JSON.parse(JSON.stringify(rules.choices)) as TraceChoices;
  for (const name of ['__proto__', 'constructor', 'a']) {
    t.deepEqual(other.settings(name), { enabled: true, ratio: 0, count: 7 }, name);
  }
  t.deepEqual(other.settings('b'), { enabled: true, ratio: 0.5, count: 7 });
});
