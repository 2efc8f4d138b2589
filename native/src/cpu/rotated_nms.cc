#include "cpu/rotated_nms.h"

#include <algorithm>

namespace sluice {

std::vector<std::uint32_t> RotatedNms(const std::vector<RotatedBox>& boxes, const NmsParams& params) {
  CheckNms(params, "options");
  const double limit = DistanceLimit(params.iou_threshold);
  // Those that may suppress the boxes to come.
  std::vector<RotatedBox> suppressors;
  suppressors.reserve(boxes.size());
  std::vector<std::uint32_t> kept;
  for (std::size_t i = 0; i < boxes.size(); i++) {
    const bool suppressed = std::any_of(suppressors.begin(), suppressors.end(), [&](const RotatedBox& better) {
      return Overlaps(better, boxes[i], limit);
    });
    if (!suppressed) kept.push_back(static_cast<std::uint32_t>(i));
    if (!suppressed || params.rule == NmsRule::kFast) suppressors.push_back(boxes[i]);
  }
  return kept;
}

}  // namespace sluice
