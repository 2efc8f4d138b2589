#include <cmath>

#include "cuda/activate.h"
#include "cuda/block_sum.cuh"
#include "cuda/check.h"
#include "params/check.h"

namespace sluice::cuda {
namespace {

constexpr std::int64_t kMostBlocks = 0x7fffffff;

/** The greatest of the threads' values, on all threads. */
__device__ float GreatestOfBlock(float value, float* shared) {
  for (int distance = 16; distance > 0; distance /= 2) {
    const float other = __shfl_xor_sync(0xffffffffu, value, distance);
    value = other > value ? other : value;
  }
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  for (int warp = 0; warp < kRowWarps; warp++) value = shared[warp] > value ? shared[warp] : value;
  return value;
}

/** One block a row. */
__global__ void __launch_bounds__(kRowThreads) SoftmaxKernel(float* values, std::int64_t length) {
  __shared__ float maxima[kRowWarps];
  __shared__ double sums[kRowWarps];
  float* row = values + blockIdx.x * length;
  float own = -INFINITY;
  for (std::int64_t i = threadIdx.x; i < length; i += kRowThreads) own = row[i] > own ? row[i] : own;
  const double greatest = GreatestOfBlock(own, maxima);
  double part = 0;
  for (std::int64_t i = threadIdx.x; i < length; i += kRowThreads) part += exp(static_cast<double>(row[i]) - greatest);
  const double sum = SumOfBlock(part, sums);
  for (std::int64_t i = threadIdx.x; i < length; i += kRowThreads) {
    row[i] = static_cast<float>(exp(static_cast<double>(row[i]) - greatest) / sum);
  }
}

__global__ void __launch_bounds__(kRowThreads) SigmoidKernel(float* values, std::int64_t count) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kRowThreads + threadIdx.x;
  if (i < count) values[i] = static_cast<float>(1 / (1 + exp(-static_cast<double>(values[i]))));
}

}  // namespace

void LaunchActivate(float* values, std::int64_t rows, std::int64_t length, ClassActivation activation,
                    cudaStream_t stream) {
  if (rows <= 0 || length <= 0 || activation == ClassActivation::kNone) return;
  const bool softmax = activation == ClassActivation::kSoftmax;
  const std::int64_t blocks = softmax ? rows : (rows * length + kRowThreads - 1) / kRowThreads;
  if (blocks > kMostBlocks) Refuse("rows is ", rows, "; ", kMostBlocks, " is the most");
  if (softmax) SoftmaxKernel<<<static_cast<unsigned>(blocks), kRowThreads, 0, stream>>>(values, length);
  if (!softmax) SigmoidKernel<<<static_cast<unsigned>(blocks), kRowThreads, 0, stream>>>(values, rows * length);
  Check(cudaGetLastError(), "LaunchActivate");
}

}  // namespace sluice::cuda
