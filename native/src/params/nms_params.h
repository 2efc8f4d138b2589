#pragma once

namespace sluice {

enum class NmsRule {
  /** A better box of the same class suppresses, even one that is suppressed itself: every box can be judged at once. */
  kFast,
  /** Only a box that stays suppresses: best first, one after the other. */
  kGreedy,
};

struct NmsParams {
  NmsRule rule;
  /** A box goes when its intersection over union with a better one is above this; 0 to 1. */
  double iou_threshold;
};

void CheckNms(const NmsParams& params, const char* name);

}  // namespace sluice
