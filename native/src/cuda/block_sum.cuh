#pragma once

namespace sluice::cuda {

/** Threads of a block that works on one row. */
constexpr int kRowThreads = 256;
constexpr int kRowWarps = kRowThreads / 32;

/**
 * The sum of the kRowThreads threads' values, on all threads, added in an order that only the number of threads decides.
 * `shared` has room for kRowWarps values.
 */
__device__ inline double SumOfBlock(double value, double* shared) {
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  double sum = 0;
  for (int warp = 0; warp < kRowWarps; warp++) sum += shared[warp];
  return sum;
}

}  // namespace sluice::cuda
