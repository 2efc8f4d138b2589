#include "params/heads/scrfd.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

SLUICE_INSTANTIATE_HEAD(ScrfdHead);

}  // namespace sluice::cuda
