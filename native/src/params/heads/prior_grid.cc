#include "params/heads/prior_grid.h"

#include <string>

#include "params/detection_head.h"
#include "params/error.h"
#include "params/heads/output_roles.h"

namespace sluice {

PriorGrid MakePriorGrid(const DetectionSpec& spec, const std::vector<std::int32_t>& strides,
                        const std::vector<std::size_t>& anchors) {
  const auto refuse = [&](const std::string& why) { throw Error(ErrorCode::kModelInvalid, "task " + spec.task + why); };
  if (strides.empty() || strides.size() > kMostLevels) {
    refuse(" takes 1 to " + std::to_string(kMostLevels) + " strides, not " + std::to_string(strides.size()));
  }
  if (anchors.size() != strides.size()) {
    refuse(" takes the anchors of each stride: there are " + std::to_string(strides.size()) + " strides and anchors of " +
           std::to_string(anchors.size()));
  }
  PriorGrid grid{};
  std::int64_t priors = 0;
  for (std::size_t level = 0; level < strides.size(); level++) {
    const std::int32_t stride = strides[level];
    if (stride < 1) refuse(" takes strides of at least 1, not " + std::to_string(stride));
    if (anchors[level] < 1 || anchors[level] > kMostAnchors) {
      refuse(" takes 1 to " + std::to_string(kMostAnchors) + " anchors a stride, not " + std::to_string(anchors[level]));
    }
    const std::int64_t width = CellsOver(spec.width, stride);
    grid.levels[level] = {static_cast<std::uint32_t>(priors), static_cast<std::uint32_t>(width),
                          static_cast<std::uint32_t>(anchors[level]), stride};
    priors += width * CellsOver(spec.height, stride) * static_cast<std::int64_t>(anchors[level]);
    if (priors > kMostCandidates) refuse(" has more priors than can be counted: take a smaller input or larger strides");
  }
  grid.count = static_cast<std::int32_t>(strides.size());
  grid.priors = static_cast<std::uint32_t>(priors);
  return grid;
}

}  // namespace sluice
