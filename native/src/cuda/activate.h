#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "params/class_map.h"

namespace sluice::cuda {

/**
 * sluice::Activate on `rows` x `length` floats of device memory, in place. The exponentials of a row are added in
 * another order, always the same one: results differ from the CPU's by the rounding of that sum and of exp, and nothing else.
 */
void LaunchActivate(float* values, std::int64_t rows, std::int64_t length, ClassActivation activation,
                    cudaStream_t stream);

}  // namespace sluice::cuda
