#include "params/heads/anchor_free.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

SLUICE_INSTANTIATE_HEAD(YoloV8Head);
SLUICE_INSTANTIATE_HEAD(YoloV8ObbHead);

}  // namespace sluice::cuda
