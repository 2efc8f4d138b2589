#include "params/heads/retinaface.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

SLUICE_INSTANTIATE_HEAD(RetinaFaceHead);

}  // namespace sluice::cuda
