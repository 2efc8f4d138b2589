#include "params/heads/rtdetr.h"

#include <string>

#include "params/head_outputs.h"
#include "params/output_roles.h"

namespace sluice {

RtDetrHead MakeRtDetrHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                          const std::vector<const float*>& data) {
  const std::vector<OutputRole> merged{{{}, {kAnySize, kAnySize}}};
  const std::vector<OutputRole> parts{{{"boxes", "pred_boxes", "bboxes"}, {kAnySize, 4}},
                                      {{"scores", "logits", "pred_logits"}, {kAnySize, kAnySize}}};
  const std::string expected = "[1,Q,4+C], or boxes [1,Q,4] scores [1,Q,C]";
  const bool is_merged = outputs.size() == 1;
  const std::vector<std::size_t> places = FindOutputs(spec, outputs, is_merged ? merged : parts, expected);
  RtDetrHead head{};
  head.boxes = TableOf(outputs, data, places.front());
  head.scores = TableOf(outputs, data, places.back());
  head.first_class = is_merged ? 4 : 0;
  head.classes = head.scores.columns - head.first_class;
  head.logits = spec.logits;
  head.width = spec.width;
  head.height = spec.height;
  if (head.classes < 1 || head.boxes.rows != head.scores.rows) RefuseOutputs(spec, expected, outputs);
  CheckClasses(spec, head.classes);
  return head;
}

}  // namespace sluice
