#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace sluice::cuda {

/**
 * sluice::L2Normalize on `rows` x `length` floats of device memory, in place. The squares are added in another order,
 * always the same one: results differ from the CPU's by the rounding of that sum and nothing else.
 */
void LaunchL2Normalize(float* values, std::int64_t rows, std::int64_t length, cudaStream_t stream);

}  // namespace sluice::cuda
