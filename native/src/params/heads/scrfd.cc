#include "params/heads/scrfd.h"

#include <string>

#include "params/heads/output_roles.h"

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
  if (points) add("kps", 2 * kScrfdPoints);
  return roles;
}

}  // namespace

ScrfdHead MakeScrfd(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                    const std::vector<const float*>& outputs) {
  const std::vector<std::int32_t>& strides = spec.strides.empty() ? kStrides : spec.strides;
  ScrfdHead head{};
  head.grid = MakePriorGrid(spec, strides, std::vector<std::size_t>(strides.size(), kScrfdAnchors));
  const std::vector<OutputRole> merged{{{"output"}, {head.grid.priors, 5 + 2 * kScrfdPoints}}};
  const std::string expected = RolesText(RolesOf(head.grid, true)) + ", the same without kps, or " + RolesText(merged);
  const auto levels = static_cast<std::size_t>(head.grid.count);
  head.merged = shapes.size() == 1;
  head.logits = head.merged || spec.logits;
  head.point_count = head.merged || shapes.size() == 3 * levels ? kScrfdPoints : 0;
  if (head.merged) {
    FindOutputs(spec, shapes, merged, expected);
    const Rows rows = RowsOf(shapes, outputs, 0);
    for (std::size_t level = 0; level < levels; level++) head.levels[level] = {rows, rows, rows};
    return head;
  }
  const std::vector<std::size_t> found =
      FindOutputs(spec, shapes, RolesOf(head.grid, head.point_count > 0), expected);
  for (std::size_t level = 0; level < levels; level++) {
    head.levels[level].scores = RowsOf(shapes, outputs, found[level]);
    head.levels[level].boxes = RowsOf(shapes, outputs, found[levels + level]);
    if (head.point_count > 0) head.levels[level].points = RowsOf(shapes, outputs, found[2 * levels + level]);
  }
  return head;
}

}  // namespace sluice
