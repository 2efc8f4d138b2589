#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "params/detection_head.h"
#include "params/detection_spec.h"
#include "params/heads/rows.h"

namespace sluice {

/**
 * RT-DETR (https://arxiv.org/abs/2304.08069) and its relatives: Q queries for each picture, either boxes [Q, 4] and scores
 * [Q, C], or both in one output [Q, 4 + C]. A box is the centre x y and the size w h as parts of the network input.
 *
 * As Ultralytics' export is read, a query tells of its best class only, the first where several are equally good; those
 * who let each class of a query be a detection find more of them at low scores. Queries do not suppress one another.
 */
struct RtDetrHead {
  static constexpr Suppression kSuppression = Suppression::kNone;

  Rows boxes;
  /** With the scores from `first_class` on. */
  Rows scores;
  std::int32_t first_class;
  std::int32_t classes;
  bool logits;
  /** Of the network input, in pixels. */
  std::int32_t width;
  std::int32_t height;

  SLUICE_HOST_DEVICE HeadLayout layout() const { return {}; }
  SLUICE_HOST_DEVICE std::uint32_t candidates() const { return static_cast<std::uint32_t>(boxes.count); }
  SLUICE_HOST_DEVICE RtDetrHead Picture(std::int32_t index) const {
    return {boxes.Picture(index), scores.Picture(index), first_class, classes, logits, width, height};
  }

  SLUICE_HOST_DEVICE bool Score(std::uint32_t candidate, float floor, HeadScore* score) const {
    const float* row = scores[candidate] + first_class;
    float best = -INFINITY;
    *score = {0, -1};
    // Classes that are not numbers are passed over.
    for (std::int32_t label = 0; label < classes; label++) {
      if (!(row[label] > best)) continue;
      best = row[label];
      score->label = label;
    }
    score->score = logits ? Sigmoid(best) : best;
    return score->label >= 0 && score->score > floor;
  }

  SLUICE_HOST_DEVICE HeadBox Box(std::uint32_t candidate) const {
    const float* box = boxes[candidate];
    return BoxAround(static_cast<double>(box[0]) * width, static_cast<double>(box[1]) * height,
                     static_cast<double>(box[2]) * width, static_cast<double>(box[3]) * height);
  }

  SLUICE_HOST_DEVICE HeadPoint Point(std::uint32_t, std::int32_t) const { return {}; }
  SLUICE_HOST_DEVICE float Value(std::uint32_t, std::int32_t) const { return 0; }
};

/**
 * Two outputs are told apart by their names (boxes, pred_boxes or bboxes; scores, logits or pred_logits), else by their
 * shapes; where there are four classes the boxes come first. `outputs`: the addresses for the first picture of a batch;
 * empty where only the shapes are to be checked.
 */
RtDetrHead MakeRtDetr(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                      const std::vector<const float*>& outputs);

}  // namespace sluice
