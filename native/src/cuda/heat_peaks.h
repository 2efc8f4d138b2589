#pragma once

#include <cuda_runtime_api.h>

#include "decoders/pose.h"

namespace sluice::cuda {

/**
 * sluice::FindHeatPeaks for a batch: `maps` tells those of the first region, in device memory, and those of the others
 * follow; `out` takes count x points x 3 floats. The same values.
 */
void LaunchFindHeatPeaks(const HeatMaps& maps, int count, float* out, cudaStream_t stream);

}  // namespace sluice::cuda
