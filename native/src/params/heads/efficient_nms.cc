#include "params/heads/efficient_nms.h"

#include <string>

#include "params/heads/output_roles.h"

namespace sluice {

EfficientNmsHead MakeEfficientNms(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                                  const std::vector<const float*>& outputs) {
  const std::vector<OutputRole> roles{{{"num_dets", "num_detections"}, {1}},
                                      {{"boxes", "bboxes", "det_boxes"}, {kAnySize, 4}},
                                      {{"scores", "det_scores"}, {kAnySize}},
                                      {{"labels", "classes", "det_classes"}, {kAnySize}}};
  const std::string expected = "num_dets [1] boxes [K,4] scores [K] labels [K]";
  const std::vector<std::size_t> found = FindOutputs(spec, shapes, roles, expected);
  const EfficientNmsHead head{RowsOf(shapes, outputs, found[0]), RowsOf(shapes, outputs, found[1]),
                              RowsOf(shapes, outputs, found[2]), RowsOf(shapes, outputs, found[3]),
                              spec.labels == 0 ? kMostClasses : spec.labels};
  const std::int64_t most = head.boxes.count;
  if (head.scores.count != most || head.labels.count != most || most > kMostCandidates) {
    RefuseOutputs(spec, shapes, expected);
  }
  return head;
}

}  // namespace sluice
