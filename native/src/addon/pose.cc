#include "decoders/pose.h"

#include "addon/argument.h"
#include "addon/operators.h"
#include "params/check.h"

namespace sluice::addon {

Napi::Value FindHeatPeaks(const Napi::CallbackInfo& info) {
  const Argument options(info[1], "options");
  HeatMaps maps{};
  maps.points = options.Field("points").Int32();
  maps.rows = options.Field("rows").Side();
  maps.columns = options.Field("columns").Side();
  maps.stride_x = options.Field("strideX").Number();
  maps.stride_y = options.Field("strideY").Number();
  maps.refinement = options.Field("refinement").Refinement();
  const FloatView values = ConstView(Argument(info[0], "maps").Floats());
  const std::int64_t needed = std::int64_t{maps.points} * maps.rows * maps.columns;
  if (maps.points < 1 || values.length != static_cast<std::uint64_t>(needed)) {
    Refuse("maps has ", values.length, " values; ", needed, " are needed");
  }
  maps.data = values.data;
  Napi::Float32Array points = Napi::Float32Array::New(info.Env(), 3 * static_cast<std::size_t>(maps.points));
  sluice::FindHeatPeaks(maps, points.Data());
  return points;
}

Napi::Value WritePose(const Napi::CallbackInfo& info) {
  const Affine matrix = Argument(info[1], "matrix").Matrix();
  CheckAffine(matrix, "matrix");
  const FloatView points = ConstView(Argument(info[0], "points").Floats());
  const FloatView box = ConstView(Argument(info[2], "box").Floats());
  if (points.length % 3 != 0) Refuse("points has ", points.length, " values; a point has 3");
  if (box.length != 4) Refuse("box has ", box.length, " values; 4 are needed");
  Napi::Float32Array row = Napi::Float32Array::New(info.Env(), kPoseBoxColumns + points.length);
  sluice::WritePose(points.data, static_cast<std::int32_t>(points.length / 3), matrix, box.data, row.Data());
  return row;
}

}  // namespace sluice::addon
