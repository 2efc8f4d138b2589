#include "params/heads/efficient_nms.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

SLUICE_INSTANTIATE_HEAD(EfficientNmsHead);

}  // namespace sluice::cuda
