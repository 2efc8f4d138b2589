#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/heads/prior_grid.h"
#include "params/heads/rows.h"

namespace sluice {

constexpr std::int32_t kRetinaFacePoints = 5;

/**
 * RetinaFace as biubug6/Pytorch_Retinaface trains it (https://arxiv.org/abs/1905.00641): a row for each prior, in the
 * order level, row, column, size. Either one output [P, 16]: box dx dy dw dh, the logits of no face and of a face, five
 * points x y; or three, loc [P, 4], conf [P, 2] and landms [P, 10], of which conf has been through the softmax already
 * unless the configuration says that scores are logits.
 *
 * A prior lies in the middle of its cell. Offsets count in tenths of its size, and the logarithm of the size in fifths.
 */
struct RetinaFaceHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;

  PriorGrid grid;
  /** Width and height of each prior of a cell, in network pixels. */
  float sizes[kMostLevels][kMostAnchors][2];
  Rows boxes;
  /** With no face and face at `first_score` and behind it. */
  Rows scores;
  /** With the points from `first_point` on. */
  Rows points;
  std::int32_t first_score;
  std::int32_t first_point;
  bool logits;

  SLUICE_HOST_DEVICE HeadLayout layout() const {
    HeadLayout layout;
    layout.points = kRetinaFacePoints;
    return layout;
  }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return grid.priors; }
  SLUICE_HOST_DEVICE RetinaFaceHead Picture(std::int32_t index) const {
    RetinaFaceHead head = *this;
    head.boxes = boxes.Picture(index);
    head.scores = scores.Picture(index);
    head.points = points.Picture(index);
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t candidate, float floor, HeadScore* score) const {
    const float* row = scores[candidate] + first_score;
    // The softmax of two.
    *score = {logits ? Sigmoid(row[1] - row[0]) : row[1], 0};
    return score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t candidate) const {
    const float* row = boxes[candidate];
    const Center prior = At(candidate);
    return BoxAround(prior.x + row[0] * kOffset * prior.width, prior.y + row[1] * kOffset * prior.height,
                     prior.width * std::exp(row[2] * kScale), prior.height * std::exp(row[3] * kScale));
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t candidate, std::int32_t i) const {
    const float* row = points[candidate] + first_point + 2 * i;
    const Center prior = At(candidate);
    return {static_cast<float>(prior.x + row[0] * kOffset * prior.width),
            static_cast<float>(prior.y + row[1] * kOffset * prior.height), 0};
  }

  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }

  /** The variances of the training. */
  static constexpr double kOffset = 0.1;
  static constexpr double kScale = 0.2;

  /** A prior in network pixels. */
  struct Center {
    double x;
    double y;
    double width;
    double height;
  };

  SLUICE_HOST_DEVICE Center At(std::uint32_t candidate) const {
    const Prior prior = grid.At(candidate);
    const double stride = grid.levels[prior.level].stride;
    const float* size = sizes[prior.level][prior.anchor];
    return {(prior.x + 0.5) * stride, (prior.y + 0.5) * stride, size[0], size[1]};
  }
};

/**
 * Without strides and anchors in the specification: 8, 16 and 32, with squares of 16 and 32, 64 and 128, 256 and 512
 * pixels. `outputs`: the addresses for the first picture of a batch; empty where only the shapes are to be checked.
 */
RetinaFaceHead MakeRetinaFace(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                              const std::vector<const float*>& outputs);

}  // namespace sluice
