#pragma once

#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/prior_grid.h"
#include "params/table.h"

namespace sluice {

/**
 * What SCRFD (https://arxiv.org/abs/2105.04714) tells of P priors, two in the corner of each cell: one output [P, 15]
 * of rows left top right bottom, logit, and x y of five points; or, for each level, scores [n, 1], edges [n, 4] and, of
 * models that know points, [n, 10], in any order. The scores of those went through the logistic function unless the
 * specification says that they are logits. In network pixels: edge = (cell -+ distance) * stride, point = (cell +
 * value) * stride.
 */
struct ScrfdHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;
  static constexpr std::int32_t kPoints = 5;
  /** Priors of a cell. */
  static constexpr std::int32_t kAnchors = 2;

  /** What is told of a level's priors. In one output for all, the tables are those of all levels. */
  struct Level {
    Table scores;
    Table boxes;
    /** Without data where the model knows no points. */
    Table landmarks;
  };

  PriorGrid grid;
  Level levels[kMostLevels];
  /** There is one output for all. */
  bool merged;
  bool logits;
  std::int32_t points;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {false, points, 2, 0}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return grid.priors; }

  SLUICE_HOST_DEVICE ScrfdHead Picture(std::int32_t index) const {
    ScrfdHead head = *this;
    for (std::int32_t i = 0; i < grid.count; i++) {
      head.levels[i].scores = levels[i].scores.Picture(index);
      head.levels[i].boxes = levels[i].boxes.Picture(index);
      if (points > 0) head.levels[i].landmarks = levels[i].landmarks.Picture(index);
    }
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t prior, float floor, HeadScore* score) const {
    const std::int32_t level = grid.LevelOf(prior);
    const float value = Load(levels[level].scores[RowOf(prior, level)] + (merged ? 4 : 0));
    if (!(value > (logits ? LogitBelow(floor) : floor))) return false;
    *score = {logits ? Sigmoid(value) : value, 0};
    return score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t prior) const {
    const Prior place = grid.At(prior);
    const double stride = grid.levels[place.level].stride;
    const float* edges = levels[place.level].boxes[RowOf(prior, place.level)];
    return {static_cast<float>((place.x - static_cast<double>(Load(edges))) * stride),
            static_cast<float>((place.y - static_cast<double>(Load(edges + 1))) * stride),
            static_cast<float>((place.x + static_cast<double>(Load(edges + 2))) * stride),
            static_cast<float>((place.y + static_cast<double>(Load(edges + 3))) * stride), 0};
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t prior, std::int32_t i) const {
    const Prior place = grid.At(prior);
    const double stride = grid.levels[place.level].stride;
    const float* point = levels[place.level].landmarks[RowOf(prior, place.level)] + (merged ? 5 : 0) + 2 * i;
    return {(place.x + static_cast<double>(Load(point))) * stride,
            (place.y + static_cast<double>(Load(point + 1))) * stride, 0};
  }

  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }

 private:
  SLUICE_HOST_DEVICE std::uint32_t RowOf(std::uint32_t prior, std::int32_t level) const {
    return merged ? prior : prior - grid.levels[level].first;
  }
};

/**
 * Strides are 8, 16 and 32 unless the specification tells others. Levels are told apart by their names (score_8,
 * bbox_8, kps_8), else by how many rows they have; where that is the same, the finer one comes first.
 */
ScrfdHead MakeScrfdHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                        const std::vector<const float*>& data);

}  // namespace sluice
