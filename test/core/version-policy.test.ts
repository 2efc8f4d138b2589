import test from 'ava';
import { selectVersions } from '../../server/core/version-policy.js';
import { makeConfig } from '../support/requests.js';

test('latest takes the highest numbers, in ascending order', (t) => {
  t.deepEqual(selectVersions({ latest: { num_versions: 1 } }, [2, 10, 9]), [10]);
  t.deepEqual(selectVersions({ latest: { num_versions: 2 } }, [2, 10, 9]), [9, 10]);
});

test('latest takes all when there are fewer than it asks for', (t) => {
  t.deepEqual(selectVersions({ latest: { num_versions: 5 } }, [3, 1]), [1, 3]);
});

test('all takes every version, in ascending order', (t) => {
  t.deepEqual(selectVersions({ all: {} }, [3, 20, 1]), [1, 3, 20]);
});

test('specific takes what it names and what is there', (t) => {
  t.deepEqual(selectVersions({ specific: { versions: [7, 3, 1] } }, [1, 2, 3]), [1, 3]);
  t.deepEqual(selectVersions({ specific: { versions: [7] } }, [1, 2, 3]), []);
});

test('no policy selects anything out of nothing', (t) => {
  t.deepEqual(selectVersions({ all: {} }, []), []);
  t.deepEqual(selectVersions({ latest: { num_versions: 1 } }, []), []);
});

test('the order of the versions on disk is left alone', (t) => {
  const available = Object.freeze([3, 1, 2]);
  selectVersions({ all: {} }, available);
  t.deepEqual(available, [3, 1, 2]);
});

test('a configuration that names no policy serves the latest version', (t) => {
  t.deepEqual(selectVersions(makeConfig().version_policy, [1, 2, 3]), [3]);
});
