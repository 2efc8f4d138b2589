#include <algorithm>
#include <vector>

#include "addon/argument.h"
#include "addon/operators.h"
#include "decoders/mask.h"
#include "params/check.h"

namespace sluice::addon {

Napi::Value DecodeMask(const Napi::CallbackInfo& info) {
  const Argument options(info[2], "options");
  MaskPrototypes prototypes{};
  prototypes.planes = options.Field("planes").Int32();
  prototypes.rows = options.Field("rows").Side();
  prototypes.columns = options.Field("columns").Side();
  const Affine matrix = options.Field("matrix").Matrix();
  CheckAffine(matrix, "options.matrix");
  const std::int32_t input_width = options.Field("inputWidth").Side();
  const std::int32_t input_height = options.Field("inputHeight").Side();
  const std::int32_t width = options.Field("width").Side();
  const std::int32_t height = options.Field("height").Side();
  double box[4];
  options.Field("box").Numbers(box, 4);

  const FloatView values = ConstView(Argument(info[0], "prototypes").Floats());
  const FloatView coefficients = ConstView(Argument(info[1], "coefficients").Floats());
  const std::int64_t needed = std::int64_t{prototypes.planes} * prototypes.rows * prototypes.columns;
  if (prototypes.planes < 1 || values.length != static_cast<std::uint64_t>(needed)) {
    Refuse("prototypes has ", values.length, " values; ", needed, " are needed");
  }
  if (coefficients.length != static_cast<std::uint64_t>(prototypes.planes)) {
    Refuse("coefficients has ", coefficients.length, " values; ", prototypes.planes, " are needed");
  }
  prototypes.data = values.data;
  const Affine to_cells =
      ToGrid(Inverse(matrix, "options.matrix"), input_width, input_height, prototypes.columns, prototypes.rows);
  const MaskObject object{coefficients.data, static_cast<float>(box[0]), static_cast<float>(box[1]),
                          static_cast<float>(box[2]), static_cast<float>(box[3])};
  const std::vector<std::uint32_t> runs = sluice::DecodeMask(prototypes, object, to_cells, width, height);
  Napi::Uint32Array result = Napi::Uint32Array::New(info.Env(), runs.size());
  std::copy(runs.begin(), runs.end(), result.Data());
  return result;
}

Napi::Value FillMask(const Napi::CallbackInfo& info) {
  const Argument argument(info[0], "runs");
  const std::int32_t width = Argument(info[1], "width").Side();
  const std::int32_t height = Argument(info[2], "height").Side();
  const Napi::Uint32Array values = argument.Words();
  const std::vector<std::uint32_t> runs(values.Data(), values.Data() + values.ElementLength());
  Napi::Uint8Array mask =
      Napi::Uint8Array::New(info.Env(), static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  sluice::FillMask(runs, width, height, mask.Data());
  return mask;
}

}  // namespace sluice::addon
