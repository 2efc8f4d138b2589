#include "params/heads/rtdetr.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

SLUICE_INSTANTIATE_HEAD(RtDetrHead);

}  // namespace sluice::cuda
