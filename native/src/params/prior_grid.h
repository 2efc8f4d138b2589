#pragma once

#include <cstdint>
#include <vector>

#include "params/detection_spec.h"
#include "params/host_device.h"

namespace sluice {

/** Most levels of a pyramid, and most anchors of a cell. */
constexpr std::int32_t kMostLevels = 6;
constexpr std::int32_t kMostAnchors = 6;

struct PriorLevel {
  /** Priors of the levels before it. */
  std::uint32_t first;
  /** Cells of a row of its map. */
  std::uint32_t columns;
  /** Priors of each cell. */
  std::uint32_t anchors;
  /** Network pixels per cell. */
  std::int32_t stride;
};

/** Where a prior lies: cells count from the left and from the top. */
struct Prior {
  std::int32_t level;
  std::int32_t x;
  std::int32_t y;
  std::int32_t anchor;
};

/** Priors of a pyramid of maps in the order level, row, column, anchor. */
struct PriorGrid {
  PriorLevel levels[kMostLevels];
  std::int32_t count;
  std::uint32_t priors;

  SLUICE_HOST_DEVICE std::int32_t LevelOf(std::uint32_t prior) const {
    std::int32_t level = count - 1;
    while (level > 0 && prior < levels[level].first) level--;
    return level;
  }

  SLUICE_HOST_DEVICE Prior At(std::uint32_t prior) const {
    const std::int32_t level = LevelOf(prior);
    const PriorLevel& of = levels[level];
    const std::uint32_t rest = prior - of.first;
    const std::uint32_t cell = rest / of.anchors;
    return {level, static_cast<std::int32_t>(cell % of.columns), static_cast<std::int32_t>(cell / of.columns),
            static_cast<std::int32_t>(rest % of.anchors)};
  }

  /** Priors of one level. */
  std::uint32_t Size(std::int32_t level) const {
    return (level + 1 < count ? levels[level + 1].first : priors) - levels[level].first;
  }
};

/**
 * The grid of a network input of width x height: levels of `strides`, with as many priors a cell as `anchors` has for
 * the level. Throws Error kModelInvalid for more than there is room for.
 */
PriorGrid MakePriorGrid(const DetectionSpec& spec, const std::vector<std::int32_t>& strides,
                        const std::vector<std::size_t>& anchors);

}  // namespace sluice
