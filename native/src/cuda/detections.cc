#include "cuda/detections.h"

namespace sluice::cuda {

std::size_t DetectionScratchBytes(const AnyHead& head, int count) {
  return std::visit([count](const auto& found) { return HeadScratchBytes(found, count); }, head);
}

void LaunchDetections(const AnyHead& head, const DetectionBatch& batch, cudaStream_t stream) {
  if (batch.count == 0) return;
  std::visit([&](const auto& found) { LaunchHead(found, batch, stream); }, head);
}

}  // namespace sluice::cuda
