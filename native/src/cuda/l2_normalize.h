#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace sluice::cuda {

/** sluice::L2Normalize on `rows` x `length` floats of device memory, in place. */
void LaunchL2Normalize(float* values, std::int64_t rows, std::int64_t length, cudaStream_t stream);

}  // namespace sluice::cuda
