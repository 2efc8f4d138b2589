#pragma once

#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/heads/rows.h"

namespace sluice {

/** Network pixels per cell of CenterNet's maps. */
constexpr std::int32_t kCenterNetStride = 4;

/**
 * CenterNet (https://arxiv.org/abs/1904.07850): one output [cells, 2 + 2 + C + C] for each picture, the cells of the map
 * row by row. Of each: the centre within the cell x y and the size w h, both in cells, the logits of C classes, and for
 * each class the largest logit of the 3x3 cells around.
 *
 * Every class of a cell is a candidate of its own, and one where its logit is that maximum: a cell may be the peak of two
 * classes. Known decoders tell one class a cell and begin the search with the logit of class 0 whether it is a peak or
 * not, and so give a cell the wrong class and score; this one does not. The boxes are suppressed afterwards.
 */
struct CenterNetHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;

  Rows cells;
  /** Cells of a row of the map. */
  std::uint32_t width;
  std::uint32_t classes;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return static_cast<std::uint32_t>(cells.count) * classes; }
  SLUICE_HOST_DEVICE CenterNetHead Picture(std::int32_t index) const { return {cells.Picture(index), width, classes}; }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t candidate, float floor, HeadScore* score) const {
    const std::uint32_t label = candidate % classes;
    const float* logits = cells[candidate / classes] + 4;
    // Also false where one is not a number.
    if (!(logits[label] == logits[classes + label])) return false;
    *score = {Sigmoid(logits[label]), static_cast<std::int32_t>(label)};
    return score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t candidate) const {
    const std::uint32_t cell = candidate / classes;
    const float* row = cells[cell];
    return BoxAround((static_cast<double>(cell % width) + row[0]) * kCenterNetStride,
                     (static_cast<double>(cell / width) + row[1]) * kCenterNetStride,
                     static_cast<double>(row[2]) * kCenterNetStride, static_cast<double>(row[3]) * kCenterNetStride);
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t, std::int32_t) const { return {}; }
  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }
};

/** `outputs`: the addresses for the first picture of a batch; empty where only the shapes are to be checked. */
CenterNetHead MakeCenterNet(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                            const std::vector<const float*>& outputs);

}  // namespace sluice
