#pragma once

#include <cstddef>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"

namespace sluice {

/**
 * What YOLO v3, v5, v7 and X tell once decoded: an output [A, 5+C] of rows cx cy width height objectness and a score for
 * each class, in network pixels. The score is objectness times that of the best class, of equal ones the first; the
 * objectness alone has to be above the threshold too.
 */
struct YoloHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;

  const float* rows;
  std::uint32_t anchors;
  std::int32_t classes;
  bool logits;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return anchors; }
  SLUICE_HOST_DEVICE std::size_t columns() const { return 5 + static_cast<std::size_t>(classes); }

  SLUICE_HOST_DEVICE YoloHead Picture(std::int32_t index) const {
    YoloHead head = *this;
    head.rows += static_cast<std::size_t>(index) * anchors * columns();
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t anchor, float floor, HeadScore* score) const {
    const float* row = rows + anchor * columns();
    const float object = Load(row + 4);
    if (!(object > (logits ? LogitBelow(floor) : floor))) return false;
    float best = -INFINITY;
    std::int32_t label = -1;
    for (std::int32_t i = 0; i < classes; i++) {
      const float value = Load(row + 5 + i);
      if (value > best) {
        best = value;
        label = i;
      }
    }
    if (label < 0) return false;
    const float sure = logits ? Sigmoid(object) : object;
    *score = {sure * (logits ? Sigmoid(best) : best), label};
    return sure > floor && score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t anchor) const {
    const float* row = rows + anchor * columns();
    return BoxAround(Load(row), Load(row + 1), Load(row + 2), Load(row + 3));
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t, std::int32_t) const { return {}; }
  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }
};

YoloHead MakeYoloHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                      const std::vector<const float*>& data);

}  // namespace sluice
