#pragma once

#include <cstddef>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"

namespace sluice {

/**
 * What YOLOv10 and YOLO26 tell, whose graph has chosen already: an output [R, 6] of rows left top right bottom score class
 * in network pixels, with x y score of K key points behind each in [R, 6+3K]. Nothing suppresses anything. A class that is
 * no whole number of a class drops the row.
 */
struct RowsHead {
  static constexpr Suppression kSuppression = Suppression::kNone;

  const float* rows;
  std::uint32_t count;
  std::int32_t points;
  std::int32_t point_values;
  /** Scores are logits. */
  bool logits;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {false, points, point_values, 0}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return count; }
  SLUICE_HOST_DEVICE std::size_t columns() const { return static_cast<std::size_t>(6 + points * point_values); }

  SLUICE_HOST_DEVICE RowsHead Picture(std::int32_t index) const {
    RowsHead head = *this;
    head.rows += static_cast<std::size_t>(index) * count * columns();
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t place, float floor, HeadScore* score) const {
    const float* row = rows + place * columns();
    const float value = Load(row + 4);
    if (!(value > (logits ? LogitBelow(floor) : floor))) return false;
    const float label = Load(row + 5);
    if (!(label >= 0 && label < static_cast<float>(kMaxClasses))) return false;
    *score = {logits ? Sigmoid(value) : value, static_cast<std::int32_t>(label)};
    return score->score > floor && static_cast<float>(score->label) == label;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t place) const {
    const float* row = rows + place * columns();
    return {Load(row), Load(row + 1), Load(row + 2), Load(row + 3), 0};
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t place, std::int32_t i) const {
    const float* point = rows + place * columns() + 6 + i * point_values;
    return {Load(point), Load(point + 1), point_values == 3 ? Load(point + 2) : 0};
  }

  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }
};

RowsHead MakeRowsHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                      const std::vector<const float*>& data);

}  // namespace sluice
