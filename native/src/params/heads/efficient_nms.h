#pragma once

#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/table.h"

namespace sluice {

/**
 * What models tell that suppress by themselves, as TensorRT's EfficientNMS plugin has it: num_dets [1], boxes [K, 4]
 * (left top right bottom in network pixels), scores [K] and labels [K]. Whole numbers have become floats before they
 * come here.
 *
 * Only the first num_dets rows count; behind them lies anything. No count does harm: one that is not a number or
 * negative is none, one over K is K. A class that is no whole number of a class drops the row.
 */
struct EfficientNmsHead {
  static constexpr Suppression kSuppression = Suppression::kNone;

  Table count;
  Table boxes;
  Table scores;
  Table labels;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return boxes.rows; }

  SLUICE_HOST_DEVICE EfficientNmsHead Picture(std::int32_t index) const {
    return {count.Picture(index), boxes.Picture(index), scores.Picture(index), labels.Picture(index)};
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t row, float floor, HeadScore* score) const {
    if (!(static_cast<double>(row) < static_cast<double>(Load(count.data)))) return false;
    const float value = Load(scores.data + row);
    if (!(value > floor)) return false;
    const float label = Load(labels.data + row);
    if (!(label >= 0 && label < static_cast<float>(kMaxClasses))) return false;
    *score = {value, static_cast<std::int32_t>(label)};
    return static_cast<float>(score->label) == label;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t row) const {
    const float* box = boxes[row];
    return {Load(box), Load(box + 1), Load(box + 2), Load(box + 3), 0};
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t, std::int32_t) const { return {}; }
  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }
};

/**
 * Outputs are told apart by their names (num_dets, num_detections; boxes, bboxes, det_boxes; scores, det_scores;
 * labels, classes, det_classes), else by their shapes; then scores come before labels.
 */
EfficientNmsHead MakeEfficientNmsHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                      const std::vector<const float*>& data);

}  // namespace sluice
