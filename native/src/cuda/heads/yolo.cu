#include "params/heads/yolo.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

SLUICE_INSTANTIATE_HEAD(YoloHead);

}  // namespace sluice::cuda
