#include "params/heads/dbface.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

template <>
constexpr bool kReadsOnce<DbFaceHead> = true;

SLUICE_INSTANTIATE_HEAD(DbFaceHead);

}  // namespace sluice::cuda
