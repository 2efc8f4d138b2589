#include "params/heads/retinaface.h"

#include <string>

#include "params/error.h"
#include "params/heads/output_roles.h"

namespace sluice {
namespace {

const std::vector<std::int32_t> kStrides{8, 16, 32};
const std::vector<std::vector<float>> kSizes{{16, 16, 32, 32}, {64, 64, 128, 128}, {256, 256, 512, 512}};

/** The head without its outputs. */
RetinaFaceHead MakePriors(const DetectionSpec& spec) {
  const std::vector<std::vector<float>>& sizes = spec.anchors.empty() ? kSizes : spec.anchors;
  std::vector<std::size_t> anchors;
  for (const std::vector<float>& level : sizes) {
    anchors.push_back(level.size() / 2);
    if (level.size() % 2 == 0) continue;
    throw Error(ErrorCode::kModelInvalid, "task " + spec.task + " takes anchors as pairs of width and height, not " +
                                              std::to_string(level.size()) + " numbers a stride");
  }
  RetinaFaceHead head{};
  head.grid = MakePriorGrid(spec, spec.strides.empty() ? kStrides : spec.strides, anchors);
  for (std::size_t level = 0; level < sizes.size(); level++) {
    for (std::size_t i = 0; i < 2 * anchors[level]; i++) head.sizes[level][i / 2][i % 2] = sizes[level][i];
  }
  return head;
}

}  // namespace

RetinaFaceHead MakeRetinaFace(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                              const std::vector<const float*>& outputs) {
  RetinaFaceHead head = MakePriors(spec);
  const std::int64_t priors = head.grid.priors;
  const std::vector<OutputRole> merged{{{"output"}, {priors, 6 + 2 * kRetinaFacePoints}}};
  const std::vector<OutputRole> parts{
      {{"loc"}, {priors, 4}}, {{"conf"}, {priors, 2}}, {{"landms"}, {priors, 2 * kRetinaFacePoints}}};
  const std::string expected = RolesText(parts) + ", or " + RolesText(merged);
  if (shapes.size() == 1) {
    FindOutputs(spec, shapes, merged, expected);
    head.boxes = head.scores = head.points = RowsOf(shapes, outputs, 0);
    head.first_score = 4;
    head.first_point = 6;
    head.logits = true;
  } else {
    const std::vector<std::size_t> found = FindOutputs(spec, shapes, parts, expected);
    head.boxes = RowsOf(shapes, outputs, found[0]);
    head.scores = RowsOf(shapes, outputs, found[1]);
    head.points = RowsOf(shapes, outputs, found[2]);
    head.logits = spec.logits;
  }
  return head;
}

}  // namespace sluice
