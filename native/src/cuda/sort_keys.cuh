#pragma once

#include <cstdint>

namespace sluice::cuda {

/** Sorts after all keys of candidates. */
constexpr std::uint64_t kLastKey = ~std::uint64_t{0};

/** Orders candidates as integers: best score first, equal scores by index. The score is not NaN. */
__device__ inline std::uint64_t CandidateKey(float score, std::uint32_t index) {
  // Adding 0 makes -0 equal to 0. Larger scores have larger bits, where the sign is taken care of.
  const unsigned bits = __float_as_uint(score + 0.0f);
  const unsigned ascending = bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
  return std::uint64_t{~ascending} << 32 | index;
}

__device__ inline std::uint32_t IndexOf(std::uint64_t key) { return static_cast<std::uint32_t>(key); }

/** The score of a candidate's key; 0 where it was -0. */
__device__ inline float ScoreOf(std::uint64_t key) {
  const unsigned ascending = ~static_cast<unsigned>(key >> 32);
  return __uint_as_float(ascending >> 31 != 0 ? ascending & 0x7fffffffu : ~ascending);
}

/**
 * Sorts keys in shared memory that has room for the next power of two, by a bitonic network. All threads of the block
 * call it; it begins and ends with a barrier.
 */
__device__ inline void SortKeys(std::uint64_t* keys, int count) {
  const int thread = threadIdx.x;
  const int threads = blockDim.x;
  int size = 1;
  while (size < count) size *= 2;
  for (int i = count + thread; i < size; i += threads) keys[i] = kLastKey;
  __syncthreads();
  int former_stride = 0;
  for (int run = 2; run <= size; run *= 2) {
    for (int stride = run / 2; stride > 0; stride /= 2) {
      // With strides of up to 32 a warp stays within 64 keys of its own.
      if (stride > 32 || former_stride > 32) {
        __syncthreads();
      } else {
        __syncwarp();
      }
      former_stride = stride;
      for (int pair = thread; pair < size / 2; pair += threads) {
        const int low = 2 * pair - (pair & (stride - 1));
        const std::uint64_t a = keys[low];
        const std::uint64_t b = keys[low + stride];
        const bool ascending = (low & run) == 0;
        if ((a > b) == ascending) {
          keys[low] = b;
          keys[low + stride] = a;
        }
      }
    }
  }
  __syncthreads();
}

}  // namespace sluice::cuda
