#include "params/heads/rows.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

SLUICE_INSTANTIATE_HEAD(RowsHead);

}  // namespace sluice::cuda
