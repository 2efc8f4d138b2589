#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/prior_grid.h"
#include "params/table.h"

namespace sluice {

/**
 * What RetinaFace (https://arxiv.org/abs/1905.00641), as github.com/biubug6/Pytorch_Retinaface has it, tells of P
 * priors: one output [P, 16] of rows dx dy dw dh, the logits of no face and of a face, and x y of five points; or loc
 * [P, 4], conf [P, 2] and landms [P, 10], of which conf went through the softmax unless the specification says that
 * scores are logits. In network pixels, with a prior in the middle of its cell: centre = prior + offset * 0.1 * size,
 * size = size * exp(value * 0.2), point = prior + value * 0.1 * size.
 */
struct RetinaFaceHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;
  static constexpr std::int32_t kPoints = 5;
  /** The variances of the training. */
  static constexpr double kOffset = 0.1;
  static constexpr double kScale = 0.2;

  PriorGrid grid;
  /** Width and height of the priors of each level, in network pixels. */
  float sizes[kMostLevels][kMostAnchors][2];
  Table boxes;
  Table scores;
  Table landmarks;
  /** Where the two scores of a row begin, and where the points do. */
  std::int32_t first_score;
  std::int32_t first_point;
  bool logits;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {false, kPoints, 2, 0}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return grid.priors; }

  SLUICE_HOST_DEVICE RetinaFaceHead Picture(std::int32_t index) const {
    RetinaFaceHead head = *this;
    head.boxes = boxes.Picture(index);
    head.scores = scores.Picture(index);
    head.landmarks = landmarks.Picture(index);
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t prior, float floor, HeadScore* score) const {
    const float* row = scores[prior] + first_score;
    // The softmax of two is the logistic function of their difference.
    const float value = logits ? Load(row + 1) - Load(row) : Load(row + 1);
    if (!(value > (logits ? LogitBelow(floor) : floor))) return false;
    *score = {logits ? Sigmoid(value) : value, 0};
    return score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t prior) const {
    const float* row = boxes[prior];
    const Place place = At(prior);
    return BoxAround(place.x + Load(row) * kOffset * place.width, place.y + Load(row + 1) * kOffset * place.height,
                     place.width * std::exp(Load(row + 2) * kScale), place.height * std::exp(Load(row + 3) * kScale));
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t prior, std::int32_t i) const {
    const float* row = landmarks[prior] + first_point + 2 * i;
    const Place place = At(prior);
    return {place.x + Load(row) * kOffset * place.width, place.y + Load(row + 1) * kOffset * place.height, 0};
  }

  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }

 private:
  /** Centre and size of a prior, in network pixels. */
  struct Place {
    double x;
    double y;
    double width;
    double height;
  };

  SLUICE_HOST_DEVICE Place At(std::uint32_t index) const {
    const Prior prior = grid.At(index);
    const double stride = grid.levels[prior.level].stride;
    const float* size = sizes[prior.level][prior.anchor];
    return {(prior.x + 0.5) * stride, (prior.y + 0.5) * stride, size[0], size[1]};
  }
};

/**
 * Strides are 8, 16 and 32 unless the specification tells others, and anchors squares of 16 and 32, 64 and 128, 256 and
 * 512 pixels.
 */
RetinaFaceHead MakeRetinaFaceHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                  const std::vector<const float*>& data);

}  // namespace sluice
