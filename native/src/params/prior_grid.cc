#include "params/prior_grid.h"

#include <string>

#include "params/error.h"
#include "params/head_outputs.h"

namespace sluice {
namespace {

/** Priors are counted in 32 bits. */
constexpr std::int64_t kMostPriors = 0x7fffffff;

[[noreturn]] void RefuseConfiguration(const DetectionSpec& spec, const std::string& why) {
  throw Error(ErrorCode::kModelInvalid, "task " + spec.task + ": " + why);
}

void CheckCounts(const DetectionSpec& spec, std::size_t strides, const std::vector<std::size_t>& anchors) {
  if (strides > kMostLevels) {
    RefuseConfiguration(spec, std::to_string(strides) + " strides are too many; " + std::to_string(kMostLevels) +
                                  " is the most");
  }
  if (anchors.size() != strides) {
    RefuseConfiguration(spec, "postprocess.anchors needs a level for each of the " + std::to_string(strides) +
                                  " strides, not " + std::to_string(anchors.size()));
  }
  for (const std::size_t count : anchors) {
    if (count >= 1 && count <= kMostAnchors) continue;
    RefuseConfiguration(spec, "each level of postprocess.anchors needs 1 to " + std::to_string(kMostAnchors) +
                                  " pairs of width and height");
  }
}

}  // namespace

PriorGrid MakePriorGrid(const DetectionSpec& spec, const std::vector<std::int32_t>& strides,
                        const std::vector<std::size_t>& anchors) {
  CheckCounts(spec, strides.size(), anchors);
  PriorGrid grid{};
  std::int64_t priors = 0;
  for (std::size_t level = 0; level < strides.size(); level++) {
    const std::int32_t columns = CellsOf(spec.width, strides[level]);
    grid.levels[level] = {static_cast<std::uint32_t>(priors), static_cast<std::uint32_t>(columns),
                          static_cast<std::uint32_t>(anchors[level]), strides[level]};
    priors += std::int64_t{columns} * CellsOf(spec.height, strides[level]) * static_cast<std::int64_t>(anchors[level]);
    if (priors <= kMostPriors) continue;
    RefuseConfiguration(spec, "there are more priors than can be counted; take larger strides");
  }
  grid.count = static_cast<std::int32_t>(strides.size());
  grid.priors = static_cast<std::uint32_t>(priors);
  return grid;
}

}  // namespace sluice
