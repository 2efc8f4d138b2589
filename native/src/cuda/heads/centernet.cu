#include "params/heads/centernet.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

SLUICE_INSTANTIATE_HEAD(CenterNetHead);

}  // namespace sluice::cuda
