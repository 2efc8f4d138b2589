#pragma once

#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/table.h"

namespace sluice {

/**
 * What CenterNet (https://arxiv.org/abs/1904.07850) tells: an output [cells, 2+2+C+C], the cells of the map row by row.
 * Of each: the centre within the cell x y and the size w h, both in cells; the logits of C classes; and for each class
 * the largest logit of the 3x3 cells around. In network pixels: centre = (cell + offset) * 4, size = size * 4.
 *
 * Every class of a cell is a candidate of its own, and an object where its logit is that maximum. Known decoders tell
 * one class a cell and begin their search with the logit of class 0, be it a peak or not, which gives cells wrong
 * classes and scores; this one does not.
 */
struct CenterNetHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;
  /** Network pixels per cell. */
  static constexpr std::int32_t kStride = 4;

  Table cells;
  /** Cells of a row of the map. */
  std::uint32_t columns;
  std::uint32_t classes;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return cells.rows * classes; }
  SLUICE_HOST_DEVICE CenterNetHead Picture(std::int32_t index) const {
    return {cells.Picture(index), columns, classes};
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t candidate, float floor, HeadScore* score) const {
    const std::uint32_t label = candidate % classes;
    const float* logits = cells[candidate / classes] + 4;
    const float logit = Load(logits + label);
    // Also false for what is not a number.
    if (!(logit > LogitBelow(floor)) || logit != Load(logits + classes + label)) return false;
    *score = {Sigmoid(logit), static_cast<std::int32_t>(label)};
    return score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t candidate) const {
    const std::uint32_t cell = candidate / classes;
    const float* row = cells[cell];
    const double x = cell % columns + static_cast<double>(Load(row));
    const double y = cell / columns + static_cast<double>(Load(row + 1));
    const double width = Load(row + 2);
    const double height = Load(row + 3);
    return BoxAround(x * kStride, y * kStride, width * kStride, height * kStride);
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t, std::int32_t) const { return {}; }
  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }
};

CenterNetHead MakeCenterNetHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                const std::vector<const float*>& data);

}  // namespace sluice
