#include "params/heads/scrfd.h"

#include <string>

#include "params/head_outputs.h"
#include "params/output_roles.h"

namespace sluice {
namespace {

const std::vector<std::int32_t> kStrides{8, 16, 32};

/** Outputs of each level: all of the scores, then all of the edges, then, with points, all of the points. */
std::vector<OutputRole> RolesOf(const PriorGrid& grid, bool points) {
  std::vector<OutputRole> roles;
  const auto add = [&](const std::string& name, std::int64_t columns) {
    for (std::int32_t level = 0; level < grid.count; level++) {
      const std::int32_t stride = grid.levels[level].stride;
      roles.push_back({{name + "_" + std::to_string(stride)}, {grid.Size(level), columns}});
    }
  };
  add("score", 1);
  add("bbox", 4);
  if (points) add("kps", 2 * ScrfdHead::kPoints);
  return roles;
}

}  // namespace

ScrfdHead MakeScrfdHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                        const std::vector<const float*>& data) {
  const std::vector<std::int32_t>& strides = StridesOr(spec, kStrides);
  ScrfdHead head{};
  head.grid = MakePriorGrid(spec, strides, std::vector<std::size_t>(strides.size(), ScrfdHead::kAnchors));
  const std::vector<OutputRole> merged{{{"output"}, {head.grid.priors, 5 + 2 * ScrfdHead::kPoints}}};
  const std::string expected = RolesText(RolesOf(head.grid, true)) + ", the same without kps, or " + RolesText(merged);
  const auto levels = static_cast<std::size_t>(head.grid.count);
  CheckClasses(spec, 1);
  head.merged = outputs.size() == 1;
  head.logits = head.merged || spec.logits;
  head.points = head.merged || outputs.size() == 3 * levels ? ScrfdHead::kPoints : 0;
  if (head.merged) {
    FindOutputs(spec, outputs, merged, expected);
    const Table rows = TableOf(outputs, data, 0);
    for (std::size_t level = 0; level < levels; level++) head.levels[level] = {rows, rows, rows};
    return head;
  }
  const std::vector<OutputRole> roles = RolesOf(head.grid, head.points > 0);
  const std::vector<std::size_t> places = FindOutputs(spec, outputs, roles, expected);
  for (std::size_t level = 0; level < levels; level++) {
    head.levels[level].scores = TableOf(outputs, data, places[level]);
    head.levels[level].boxes = TableOf(outputs, data, places[levels + level]);
    if (head.points > 0) head.levels[level].landmarks = TableOf(outputs, data, places[2 * levels + level]);
  }
  return head;
}

}  // namespace sluice
