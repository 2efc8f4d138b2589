#pragma once

#include <cstdint>

#include "params/host_device.h"

namespace sluice {

/** How a heat map's peak becomes a point. */
enum class PeakRefinement {
  /** Its cell. */
  kNone,
  /** A quarter of a cell towards the higher neighbour in either direction, as those models are trained with. */
  kQuarter,
};

/** A point in network pixels, and the value of the map there. */
struct HeatPeak {
  float x;
  float y;
  float score;
};

/** The peak at cell `best` of a map of `rows` x `columns`; a cell is `stride_x` by `stride_y` network pixels. */
SLUICE_HOST_DEVICE inline HeatPeak PeakAt(const float* map, std::int64_t best, std::int32_t rows, std::int32_t columns,
                                          double stride_x, double stride_y, PeakRefinement refinement) {
  const auto row = static_cast<std::int32_t>(best / columns);
  const auto column = static_cast<std::int32_t>(best % columns);
  double x = column;
  double y = row;
  if (refinement == PeakRefinement::kQuarter) {
    if (column > 0 && column < columns - 1) {
      const float across = map[best + 1] - map[best - 1];
      x += across > 0 ? 0.25 : across < 0 ? -0.25 : 0;
    }
    if (row > 0 && row < rows - 1) {
      const float down = map[best + columns] - map[best - columns];
      y += down > 0 ? 0.25 : down < 0 ? -0.25 : 0;
    }
  }
  return {static_cast<float>(x * stride_x), static_cast<float>(y * stride_y), map[best]};
}

}  // namespace sluice
