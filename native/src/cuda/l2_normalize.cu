#include <cmath>

#include "cuda/check.h"
#include "cuda/l2_normalize.h"
#include "params/check.h"

namespace sluice::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

/** The sum of the threads' values, on all threads, added in an order that only the number of threads decides. */
__device__ double SumOverBlock(double value, double* shared) {
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffu, value, distance);
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  double sum = 0;
  for (int warp = 0; warp < kWarps; warp++) sum += shared[warp];
  return sum;
}

/** One block a row. */
__global__ void __launch_bounds__(kThreads) L2NormalizeKernel(float* values, std::int64_t length) {
  __shared__ double sums[kWarps];
  float* row = values + blockIdx.x * length;
  double own = 0;
  for (std::int64_t i = threadIdx.x; i < length; i += kThreads) {
    const double value = row[i];
    own += value * value;
  }
  const double sum = SumOverBlock(own, sums);
  if (!std::isfinite(sum) || sum == 0) return;
  const double scale = 1 / std::sqrt(sum);
  for (std::int64_t i = threadIdx.x; i < length; i += kThreads) row[i] = static_cast<float>(row[i] * scale);
}

}  // namespace

void LaunchL2Normalize(float* values, std::int64_t rows, std::int64_t length, cudaStream_t stream) {
  if (rows <= 0 || length <= 0) return;
  constexpr std::int64_t kMostRows = 0x7fffffff;
  if (rows > kMostRows) Refuse("rows is ", rows, "; ", kMostRows, " is the most");
  L2NormalizeKernel<<<static_cast<unsigned>(rows), kThreads, 0, stream>>>(values, length);
  Check(cudaGetLastError(), "LaunchL2Normalize");
}

}  // namespace sluice::cuda
