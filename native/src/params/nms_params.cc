#include "params/nms_params.h"

#include "params/check.h"

namespace sluice {

void CheckNms(const NmsParams& params, const char* name) {
  if (params.iou_threshold >= 0 && params.iou_threshold <= 1) return;
  Refuse(name, ".iouThreshold is ", params.iou_threshold, "; it must be 0 to 1");
}

}  // namespace sluice
