#include "params/heads/dbface.h"

#include <string>

#include "params/heads/output_roles.h"

namespace sluice {

DbFaceHead MakeDbFace(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                      const std::vector<const float*>& outputs) {
  const std::int64_t width = CellsOver(spec.width, kDbFaceStride);
  const std::int64_t height = CellsOver(spec.height, kDbFaceStride);
  const OutputRole pool{{"pool_hm"}, {1, height, width}};
  std::vector<OutputRole> roles{{{"hm"}, {1, height, width}},
                                {{"tlrb"}, {4, height, width}},
                                {{"landmark"}, {2 * kDbFacePoints, height, width}}};
  const std::string expected = RolesText(roles) + ", and with them or not " + RolesText({pool});
  const bool pooled = shapes.size() > roles.size();
  // The second of the maps of one plane where names do not tell.
  if (pooled) roles.push_back(pool);
  const std::vector<std::size_t> found = FindOutputs(spec, shapes, roles, expected);
  return {DataOf(outputs, found[0]),
          pooled ? DataOf(outputs, found[3]) : nullptr,
          DataOf(outputs, found[1]),
          DataOf(outputs, found[2]),
          static_cast<std::int32_t>(width),
          static_cast<std::int32_t>(height)};
}

}  // namespace sluice
