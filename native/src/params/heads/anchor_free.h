#pragma once

#include <cstddef>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"

namespace sluice {

/**
 * What YOLOv8 and its successors tell: for each of A places cx cy width height in network pixels, a score for each of C
 * classes, and then: x y, or x y score, of key points (pose); the coefficients of a mask (seg), told as they are;
 * the angle of the box (obb). The output is [4+C.., A] or [A, 4+C..]; both are read by two strides.
 */
template <Suppression suppression>
struct AnchorFreeHead {
  static constexpr Suppression kSuppression = suppression;

  const float* values;
  std::uint32_t places;
  /** From one place to the next, and from one value of a place to the next. */
  std::size_t step;
  std::size_t plane;
  /** Values of a place. */
  std::int32_t columns;
  std::int32_t classes;
  std::int32_t points;
  std::int32_t point_values;
  /** Of a mask. */
  std::int32_t coefficients;
  bool logits;

  SLUICE_HOST_DEVICE HeadLayout layout() const {
    return {suppression == Suppression::kRotated, points, point_values, coefficients};
  }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return places; }

  SLUICE_HOST_DEVICE AnchorFreeHead Picture(std::int32_t index) const {
    AnchorFreeHead head = *this;
    head.values += static_cast<std::size_t>(index) * places * static_cast<std::size_t>(columns);
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t place, float floor, HeadScore* score) const {
    const float* scores = values + place * step + 4 * plane;
    float best = logits ? LogitBelow(floor) : floor;
    std::int32_t label = -1;
    for (std::int32_t i = 0; i < classes; i++) {
      const float value = Load(scores + static_cast<std::size_t>(i) * plane);
      if (value > best) {
        best = value;
        label = i;
      }
    }
    if (label < 0) return false;
    *score = {logits ? Sigmoid(best) : best, label};
    return score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t place) const {
    const float angle = suppression == Suppression::kRotated ? At(place, 4 + classes) : 0;
    return BoxAround(At(place, 0), At(place, 1), At(place, 2), At(place, 3), angle);
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t place, std::int32_t i) const {
    const std::int32_t first = 4 + classes + i * point_values;
    return {At(place, first), At(place, first + 1), point_values == 3 ? At(place, first + 2) : 0};
  }

  SLUICE_HOST_DEVICE float Value(std::uint32_t place, std::int32_t i) const { return At(place, 4 + classes + i); }

 private:
  SLUICE_HOST_DEVICE float At(std::uint32_t place, std::int32_t column) const {
    return Load(values + place * step + static_cast<std::size_t>(column) * plane);
  }
};

using YoloV8Head = AnchorFreeHead<Suppression::kBoxes>;
using YoloV8ObbHead = AnchorFreeHead<Suppression::kRotated>;

/** Tasks yolov8, yolov8_pose and yolov8_seg. */
YoloV8Head MakeYoloV8Head(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                          const std::vector<const float*>& data);

/** Task yolov8_obb. */
YoloV8ObbHead MakeYoloV8ObbHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                const std::vector<const float*>& data);

}  // namespace sluice
