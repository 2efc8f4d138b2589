#include <cmath>

#include "cuda/block_sum.cuh"
#include "cuda/check.h"
#include "cuda/l2_normalize.h"
#include "params/check.h"

namespace sluice::cuda {
namespace {

/** One block a row. */
__global__ void __launch_bounds__(kRowThreads) L2NormalizeKernel(float* values, std::int64_t length) {
  __shared__ double sums[kRowWarps];
  float* row = values + blockIdx.x * length;
  double own = 0;
  for (std::int64_t i = threadIdx.x; i < length; i += kRowThreads) {
    const double value = row[i];
    own += value * value;
  }
  const double sum = SumOfBlock(own, sums);
  if (!std::isfinite(sum) || sum == 0) return;
  const double scale = 1 / std::sqrt(sum);
  for (std::int64_t i = threadIdx.x; i < length; i += kRowThreads) row[i] = static_cast<float>(row[i] * scale);
}

}  // namespace

void LaunchL2Normalize(float* values, std::int64_t rows, std::int64_t length, cudaStream_t stream) {
  if (rows <= 0 || length <= 0) return;
  constexpr std::int64_t kMostRows = 0x7fffffff;
  if (rows > kMostRows) Refuse("rows is ", rows, "; ", kMostRows, " is the most");
  L2NormalizeKernel<<<static_cast<unsigned>(rows), kRowThreads, 0, stream>>>(values, length);
  Check(cudaGetLastError(), "LaunchL2Normalize");
}

}  // namespace sluice::cuda
