#include "params/heads/raw_yolo.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

SLUICE_INSTANTIATE_HEAD(RawYoloHead);

}  // namespace sluice::cuda
