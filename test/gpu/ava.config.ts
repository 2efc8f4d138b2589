/** How `make test-gpu` runs the tests of this folder, which `make test` leaves out: they need a GPU, and have it in turn. */
export default {
  files: ['dist/test/gpu/**/*.test.js'],
  workerThreads: false,
  concurrency: 1,
  // A plan that is not in the cache yet takes minutes.
  timeout: '15m',
};
