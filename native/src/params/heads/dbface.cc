#include "params/heads/dbface.h"

#include <string>

#include "params/head_outputs.h"
#include "params/output_roles.h"

namespace sluice {

DbFaceHead MakeDbFaceHead(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                          const std::vector<const float*>& data) {
  const std::int32_t columns = CellsOf(spec.width, DbFaceHead::kStride);
  const std::int32_t rows = CellsOf(spec.height, DbFaceHead::kStride);
  std::vector<OutputRole> roles{{{"hm"}, {1, rows, columns}},
                                {{"tlrb"}, {4, rows, columns}},
                                {{"landmark"}, {2 * DbFaceHead::kPoints, rows, columns}}};
  const OutputRole pool{{"pool_hm"}, {1, rows, columns}};
  const std::string expected = RolesText(roles) + ", and " + RolesText({pool}) + " or not";
  const bool pooled = outputs.size() > roles.size();
  // Behind hm: where names do not tell, the second of the maps of one plane.
  if (pooled) roles.push_back(pool);
  const std::vector<std::size_t> places = FindOutputs(spec, outputs, roles, expected);
  CheckClasses(spec, 1);
  return {data[places[0]], pooled ? data[places[3]] : nullptr, data[places[1]], data[places[2]], columns, rows};
}

}  // namespace sluice
