#pragma once

#include <cstddef>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"

namespace sluice {

/**
 * What YOLO v5 and X tell before decoding: an output [anchors, 5+C, cells] of logits x y width height objectness and
 * classes, the cells of all levels one after the other, row by row. With s the logistic function, in network pixels:
 *   yolov5: centre = (2 s - 0.5 + cell) * stride, size = (2 s)^2 * anchor
 *   yolox:  centre = (value + cell) * stride, size = exp(value) * stride
 * Scores are those of YoloHead, of values that went through the logistic function.
 */
struct RawYoloHead {
  static constexpr Suppression kSuppression = Suppression::kBoxes;
  static constexpr int kMaxLevels = 6;
  static constexpr int kMaxAnchors = 6;

  struct Level {
    /** The first cell that is not the level's. */
    std::uint32_t end;
    std::int32_t columns;
    std::int32_t stride;
    /** Width and height, in network pixels. */
    float anchors[kMaxAnchors][2];
  };

  const float* values;
  std::uint32_t cells;
  std::int32_t anchors;
  std::int32_t classes;
  bool anchor_free;
  std::int32_t level_count;
  Level levels[kMaxLevels];

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return static_cast<std::uint32_t>(anchors) * cells; }

  SLUICE_HOST_DEVICE RawYoloHead Picture(std::int32_t index) const {
    RawYoloHead head = *this;
    head.values += static_cast<std::size_t>(index) * candidates() * (5 + static_cast<std::size_t>(classes));
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t candidate, float floor, HeadScore* score) const {
    const float* column = Column(candidate);
    const float object = Load(column + 4 * static_cast<std::size_t>(cells));
    if (!(object > LogitBelow(floor))) return false;
    float best = -INFINITY;
    std::int32_t label = -1;
    for (std::int32_t i = 0; i < classes; i++) {
      const float value = Load(column + static_cast<std::size_t>(5 + i) * cells);
      if (value > best) {
        best = value;
        label = i;
      }
    }
    if (label < 0) return false;
    const float sure = Sigmoid(object);
    *score = {sure * Sigmoid(best), label};
    return sure > floor && score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t candidate) const {
    const std::uint32_t cell = candidate % cells;
    const auto anchor = static_cast<int>(candidate / cells);
    Place place = PlaceIn(levels[0], 0, anchor);
    // Without an index that varies: a kernel would copy the table into slow memory of each thread.
    SLUICE_UNROLL
    for (int level = 1; level < kMaxLevels; level++) {
      if (level < level_count && cell >= levels[level - 1].end) {
        place = PlaceIn(levels[level], levels[level - 1].end, anchor);
      }
    }
    const auto within = static_cast<std::int32_t>(cell - place.begin);
    const double column = within % place.columns;
    const double row = within / place.columns;
    const double stride = place.stride;
    const float* value = Column(candidate);
    const float x = Load(value);
    const float y = Load(value + cells);
    const float width = Load(value + 2 * static_cast<std::size_t>(cells));
    const float height = Load(value + 3 * static_cast<std::size_t>(cells));
    if (anchor_free) {
      return BoxAround((x + column) * stride, (y + row) * stride, std::exp(static_cast<double>(width)) * stride,
                       std::exp(static_cast<double>(height)) * stride);
    }
    const double w = 2.0 * Sigmoid(width);
    const double h = 2.0 * Sigmoid(height);
    return BoxAround((2.0 * Sigmoid(x) - 0.5 + column) * stride, (2.0 * Sigmoid(y) - 0.5 + row) * stride,
                     w * w * place.width, h * h * place.height);
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t, std::int32_t) const { return {}; }
  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }

 private:
  /** What a candidate needs to know of its level and its anchor. */
  struct Place {
    /** The level's first cell. */
    std::uint32_t begin;
    std::int32_t columns;
    std::int32_t stride;
    float width;
    float height;
  };

  SLUICE_HOST_DEVICE static Place PlaceIn(const Level& level, std::uint32_t begin, int anchor) {
    Place place{begin, level.columns, level.stride, 0, 0};
    SLUICE_UNROLL
    for (int i = 0; i < kMaxAnchors; i++) {
      if (i != anchor) continue;
      place.width = level.anchors[i][0];
      place.height = level.anchors[i][1];
    }
    return place;
  }

  /** The first value of a candidate; the others follow `cells` apart. */
  SLUICE_HOST_DEVICE const float* Column(std::uint32_t candidate) const {
    const std::size_t anchor = candidate / cells;
    return values + anchor * (5 + static_cast<std::size_t>(classes)) * cells + candidate % cells;
  }
};

/** Tasks yolov5_raw and yolox_raw. */
RawYoloHead MakeRawYoloHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                            const std::vector<const float*>& data);

}  // namespace sluice
