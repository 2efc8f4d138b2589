#include "params/heads/rtdetr.h"

#include <string>

#include "params/heads/output_roles.h"

namespace sluice {

RtDetrHead MakeRtDetr(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                      const std::vector<const float*>& outputs) {
  const std::int64_t classes = spec.labels == 0 ? kAnySize : spec.labels;
  const OutputRole merged{{}, {kAnySize, classes == kAnySize ? kAnySize : 4 + classes}};
  const std::string count = classes == kAnySize ? "classes" : std::to_string(classes);
  const std::string expected =
      "boxes [queries,4] and scores [queries," + count + "], or both as one [queries,4+" + count + "]";

  RtDetrHead head{};
  head.logits = spec.logits;
  head.width = spec.width;
  head.height = spec.height;
  if (shapes.size() == 1) {
    FindOutputs(spec, shapes, {merged}, expected);
    head.boxes = head.scores = RowsOf(shapes, outputs, 0);
    head.first_class = 4;
  } else {
    const std::vector<OutputRole> roles{{{"boxes", "pred_boxes", "bboxes"}, {kAnySize, 4}},
                                        {{"scores", "logits", "pred_logits"}, {kAnySize, classes}}};
    const std::vector<std::size_t> found = FindOutputs(spec, shapes, roles, expected);
    head.boxes = RowsOf(shapes, outputs, found[0]);
    head.scores = RowsOf(shapes, outputs, found[1]);
  }
  head.classes = head.scores.columns - head.first_class;
  const bool fits = head.classes > 0 && head.boxes.count == head.scores.count && head.boxes.count <= kMostCandidates;
  if (!fits) RefuseOutputs(spec, shapes, expected);
  return head;
}

}  // namespace sluice
