#pragma once

#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/table.h"

namespace sluice {

/**
 * What RT-DETR (https://arxiv.org/abs/2304.08069) and its relatives tell of Q queries: boxes [Q, 4] and scores [Q, C],
 * or both in one output [Q, 4+C]. A box is the centre x y and the size w h as parts of the network input.
 *
 * As Ultralytics' export is meant, a query is one object, of its best class, of equal ones the first; to make an object
 * of each class of a query, as others do, would add some at low scores. Nothing suppresses anything.
 */
struct RtDetrHead {
  static constexpr Suppression kSuppression = Suppression::kNone;

  Table boxes;
  Table scores;
  /** Where the scores of a row begin. */
  std::int32_t first_class;
  std::int32_t classes;
  bool logits;
  /** Of the network input, in pixels. */
  std::int32_t width;
  std::int32_t height;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return boxes.rows; }

  SLUICE_HOST_DEVICE RtDetrHead Picture(std::int32_t index) const {
    RtDetrHead head = *this;
    head.boxes = boxes.Picture(index);
    head.scores = scores.Picture(index);
    return head;
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t query, float floor, HeadScore* score) const {
    const float* row = scores[query] + first_class;
    // Also passes over what is not a number.
    float best = logits ? LogitBelow(floor) : floor;
    std::int32_t label = -1;
    for (std::int32_t i = 0; i < classes; i++) {
      const float value = Load(row + i);
      if (value > best) {
        best = value;
        label = i;
      }
    }
    if (label < 0) return false;
    *score = {logits ? Sigmoid(best) : best, label};
    return score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t query) const {
    const float* box = boxes[query];
    return BoxAround(static_cast<double>(Load(box)) * width, static_cast<double>(Load(box + 1)) * height,
                     static_cast<double>(Load(box + 2)) * width, static_cast<double>(Load(box + 3)) * height);
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t, std::int32_t) const { return {}; }
  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }
};

/**
 * Two outputs are told apart by their names (boxes, pred_boxes, bboxes; scores, logits, pred_logits), else by their
 * shapes; where there are four classes, the boxes come first.
 */
RtDetrHead MakeRtDetrHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                          const std::vector<const float*>& data);

}  // namespace sluice
