#include "cuda/check.h"
#include "cuda/pool_tokens.h"
#include "params/check.h"

namespace sluice::cuda {
namespace {

constexpr int kThreads = 128;

/** One thread a value of a vector: neighbours read neighbours, and each adds its tokens in their order. */
__global__ void __launch_bounds__(kThreads) PoolTokensKernel(TokenVectors texts, bool mean, float* out) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= texts.width) return;
  const std::int64_t row = blockIdx.y;
  const float* value = texts.values + row * texts.length * texts.width + i;
  float* result = out + row * texts.width + i;
  if (!mean) {
    *result = *value;
    return;
  }
  const std::int32_t tokens = texts.tokens[row];
  double sum = 0;
  for (std::int32_t token = 0; token < tokens; token++, value += texts.width) sum += *value;
  *result = static_cast<float>(sum / tokens);
}

}  // namespace

void LaunchPoolTokens(const TokenVectors& texts, Pooling pooling, float* out, cudaStream_t stream) {
  if (texts.rows <= 0 || texts.width <= 0 || pooling == Pooling::kNone) return;
  constexpr std::int64_t kMostRows = 65535;
  if (texts.rows > kMostRows) Refuse("rows is ", texts.rows, "; ", kMostRows, " is the most");
  const dim3 blocks(static_cast<unsigned>((texts.width + kThreads - 1) / kThreads), static_cast<unsigned>(texts.rows));
  PoolTokensKernel<<<blocks, kThreads, 0, stream>>>(texts, pooling == Pooling::kMean, out);
  Check(cudaGetLastError(), "LaunchPoolTokens");
}

}  // namespace sluice::cuda
