#pragma once

#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/heads/rows.h"

namespace sluice {

/** Classes of models without a labels file. */
constexpr std::int32_t kMostClasses = 65536;

/**
 * Models that suppress by themselves, as TensorRT's EfficientNMS plugin has it: for each picture num_dets [1], boxes
 * [K, 4] (left top right bottom in network pixels), scores [K] and labels [K]. Only the first num_dets rows count; what
 * lies behind them is anything. Any count is safe: one that is not a number or is negative is none, and a larger one than
 * K is K. Rows whose label names no class are passed over. Whole numbers have become floats before they come here.
 */
struct EfficientNmsHead {
  static constexpr Suppression kSuppression = Suppression::kNone;

  Rows found;
  Rows boxes;
  Rows scores;
  Rows labels;
  std::int32_t classes;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return static_cast<std::uint32_t>(boxes.count); }
  SLUICE_HOST_DEVICE EfficientNmsHead Picture(std::int32_t index) const {
    return {found.Picture(index), boxes.Picture(index), scores.Picture(index), labels.Picture(index), classes};
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t candidate, float floor, HeadScore* score) const {
    if (!(static_cast<double>(candidate) < static_cast<double>(found.data[0]))) return false;
    if (!(scores.data[candidate] > floor)) return false;
    const float label = labels.data[candidate];
    if (!(label >= 0 && label < static_cast<float>(classes))) return false;
    *score = {scores.data[candidate], static_cast<std::int32_t>(label)};
    return true;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t candidate) const {
    const float* box = boxes[candidate];
    return {box[0], box[1], box[2], box[3], 0};
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t, std::int32_t) const { return {}; }
  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }
};

/**
 * Outputs are told apart by their names (num_dets or num_detections; boxes, bboxes or det_boxes; scores or det_scores;
 * labels, classes or det_classes), else by their shapes, and scores come before labels. `outputs`: the addresses for the
 * first picture of a batch; empty where only the shapes are to be checked.
 */
EfficientNmsHead MakeEfficientNms(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                                  const std::vector<const float*>& outputs);

}  // namespace sluice
