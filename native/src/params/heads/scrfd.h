#pragma once

#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/heads/prior_grid.h"
#include "params/heads/rows.h"

namespace sluice {

constexpr std::int32_t kScrfdPoints = 5;
/** Priors of each cell. */
constexpr std::int32_t kScrfdAnchors = 2;

/** What a level of SCRFD tells of its priors. In one merged output, the tables of all levels are the same. */
struct ScrfdLevel {
  Rows scores;
  Rows boxes;
  /** Null where there are no points. */
  Rows points;
};

/**
 * SCRFD (https://arxiv.org/abs/2105.04714): faces from two priors in the corner of each cell, with the distances of the
 * edges left, top, right, bottom and the offsets x y of five points, all in strides. Either one output [P, 15] with rows of
 * edges, logit and points, the levels one after the other; or, for each level, score [n, 1], edges [n, 4] and, where the
 * model knows points, [n, 10], in any order. Their scores have been through the sigmoid already unless the configuration
 * says that they are logits.
 */
struct ScrfdHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;

  PriorGrid grid;
  ScrfdLevel levels[kMostLevels];
  bool merged;
  bool logits;
  std::int32_t point_count;

  SLUICE_HOST_DEVICE HeadLayout layout() const {
    HeadLayout layout;
    layout.points = point_count;
    return layout;
  }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return grid.priors; }
  SLUICE_HOST_DEVICE ScrfdHead Picture(std::int32_t index) const {
    ScrfdHead head = *this;
    for (std::int32_t i = 0; i < grid.count; i++) {
      head.levels[i] = {levels[i].scores.Picture(index), levels[i].boxes.Picture(index),
                        levels[i].points.data == nullptr ? Rows{} : levels[i].points.Picture(index)};
    }
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t candidate, float floor, HeadScore* score) const {
    const std::int32_t level = grid.LevelOf(candidate);
    const float value = levels[level].scores[RowOf(candidate, level)][merged ? 4 : 0];
    *score = {logits ? Sigmoid(value) : value, 0};
    return score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t candidate) const {
    const Prior prior = grid.At(candidate);
    const double stride = grid.levels[prior.level].stride;
    const float* edges = levels[prior.level].boxes[RowOf(candidate, prior.level)];
    return {static_cast<float>((prior.x - static_cast<double>(edges[0])) * stride),
            static_cast<float>((prior.y - static_cast<double>(edges[1])) * stride),
            static_cast<float>((prior.x + static_cast<double>(edges[2])) * stride),
            static_cast<float>((prior.y + static_cast<double>(edges[3])) * stride), 0};
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t candidate, std::int32_t i) const {
    const Prior prior = grid.At(candidate);
    const double stride = grid.levels[prior.level].stride;
    const float* offset = levels[prior.level].points[RowOf(candidate, prior.level)] + (merged ? 5 : 0) + 2 * i;
    return {static_cast<float>((prior.x + static_cast<double>(offset[0])) * stride),
            static_cast<float>((prior.y + static_cast<double>(offset[1])) * stride), 0};
  }

  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }

  /** A prior's row in the tables of its level. */
  SLUICE_HOST_DEVICE std::uint32_t RowOf(std::uint32_t candidate, std::int32_t level) const {
    return merged ? candidate : candidate - grid.levels[level].first;
  }
};

/**
 * Without strides in the specification: 8, 16 and 32. Levels are told apart by their rows, and where these are equal by
 * their order. `outputs`: the addresses for the first picture of a batch; empty where only the shapes are to be checked.
 */
ScrfdHead MakeScrfd(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                    const std::vector<const float*>& outputs);

}  // namespace sluice
