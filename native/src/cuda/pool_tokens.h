#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "params/pooling.h"

namespace sluice::cuda {

/** Vectors of tokens in device memory, [rows, length, width]. */
struct TokenVectors {
  const float* values;
  std::int64_t rows;
  std::int64_t length;
  std::int64_t width;
  /** How many of each row are no padding: memory that the device sees. */
  const std::int32_t* tokens;
};

/** sluice::PoolTokens into `out`, [rows, width] of device memory: the same to the bit. */
void LaunchPoolTokens(const TokenVectors& texts, Pooling pooling, float* out, cudaStream_t stream);

}  // namespace sluice::cuda
