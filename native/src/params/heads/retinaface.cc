#include "params/heads/retinaface.h"

#include <string>

#include "params/error.h"
#include "params/head_outputs.h"
#include "params/output_roles.h"

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
    throw Error(ErrorCode::kModelInvalid, "task " + spec.task + ": a level of postprocess.anchors has " +
                                              std::to_string(level.size()) + " numbers; it needs pairs");
  }
  RetinaFaceHead head{};
  head.grid = MakePriorGrid(spec, StridesOr(spec, kStrides), anchors);
  for (std::size_t level = 0; level < sizes.size(); level++) {
    for (std::size_t i = 0; i < 2 * anchors[level]; i++) head.sizes[level][i / 2][i % 2] = sizes[level][i];
  }
  return head;
}

}  // namespace

RetinaFaceHead MakeRetinaFaceHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                  const std::vector<const float*>& data) {
  RetinaFaceHead head = MakePriors(spec);
  const std::int64_t priors = head.grid.priors;
  const std::vector<OutputRole> merged{{{"output"}, {priors, 6 + 2 * RetinaFaceHead::kPoints}}};
  const std::vector<OutputRole> parts{
      {{"loc"}, {priors, 4}}, {{"conf"}, {priors, 2}}, {{"landms"}, {priors, 2 * RetinaFaceHead::kPoints}}};
  const std::string expected = RolesText(parts) + ", or " + RolesText(merged);
  if (outputs.size() == 1) {
    FindOutputs(spec, outputs, merged, expected);
    head.boxes = head.scores = head.landmarks = TableOf(outputs, data, 0);
    head.first_score = 4;
    head.first_point = 6;
    head.logits = true;
  } else {
    const std::vector<std::size_t> places = FindOutputs(spec, outputs, parts, expected);
    head.boxes = TableOf(outputs, data, places[0]);
    head.scores = TableOf(outputs, data, places[1]);
    head.landmarks = TableOf(outputs, data, places[2]);
    head.logits = spec.logits;
  }
  CheckClasses(spec, 1);
  return head;
}

}  // namespace sluice
