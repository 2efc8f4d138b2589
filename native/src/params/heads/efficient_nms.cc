#include "params/heads/efficient_nms.h"

#include <string>

#include "params/head_outputs.h"
#include "params/output_roles.h"

namespace sluice {

EfficientNmsHead MakeEfficientNmsHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                      const std::vector<const float*>& data) {
  const std::vector<OutputRole> roles{{{"num_dets", "num_detections"}, {1}},
                                      {{"boxes", "bboxes", "det_boxes"}, {kAnySize, 4}},
                                      {{"scores", "det_scores"}, {kAnySize}},
                                      {{"labels", "classes", "det_classes"}, {kAnySize}}};
  const std::string expected = "num_dets [1,1] boxes [1,K,4] scores [1,K] labels [1,K]";
  const std::vector<std::size_t> places = FindOutputs(spec, outputs, roles, expected);
  const EfficientNmsHead head{TableOf(outputs, data, places[0]), TableOf(outputs, data, places[1]),
                              TableOf(outputs, data, places[2]), TableOf(outputs, data, places[3])};
  const bool fits = head.scores.rows == head.boxes.rows && head.labels.rows == head.boxes.rows;
  if (!fits) RefuseOutputs(spec, expected, outputs);
  return head;
}

}  // namespace sluice
