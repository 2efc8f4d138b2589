#include "params/heads/centerface.h"

#include "cuda/detections.cuh"

namespace sluice::cuda {

template <>
constexpr bool kReadsOnce<CenterFaceHead> = true;

SLUICE_INSTANTIATE_HEAD(CenterFaceHead);

}  // namespace sluice::cuda
