#include <algorithm>
#include <vector>

#include "addon/argument.h"
#include "addon/operators.h"
#include "decoders/class_map.h"
#include "params/check.h"

namespace sluice::addon {

Napi::Value DecodeClassMap(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Argument options(info[1], "options");
  ClassScores scores{};
  scores.planes = options.Field("planes").Int32();
  scores.rows = options.Field("rows").Side();
  scores.columns = options.Field("columns").Side();
  scores.planar = options.Field("planar").Boolean();
  scores.activation = options.Field("activation").Activation();
  if (scores.planes < 1 || scores.planes > kMostMapClasses) {
    Refuse("options.planes is ", scores.planes, "; it must be 1 to ", kMostMapClasses);
  }
  const Affine matrix = options.Field("matrix").Matrix();
  CheckAffine(matrix, "options.matrix");
  const std::int32_t input_width = options.Field("inputWidth").Side();
  const std::int32_t input_height = options.Field("inputHeight").Side();
  const std::int32_t width = options.Field("width").Side();
  const std::int32_t height = options.Field("height").Side();
  const bool with_probabilities = options.Field("probabilities").Boolean();

  const FloatView values = ConstView(Argument(info[0], "scores").Floats());
  const std::int64_t needed = scores.cells() * scores.planes;
  if (values.length != static_cast<std::uint64_t>(needed)) {
    Refuse("scores has ", values.length, " values; ", needed, " are needed");
  }
  scores.data = values.data;
  const Affine to_cells =
      ToGrid(Inverse(matrix, "options.matrix"), input_width, input_height, scores.columns, scores.rows);
  const std::size_t pixels = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  Napi::Uint8Array labels = Napi::Uint8Array::New(env, pixels);
  Napi::Uint8Array probabilities = Napi::Uint8Array::New(env, with_probabilities ? pixels : 0);
  Napi::Uint32Array counts = Napi::Uint32Array::New(env, static_cast<std::size_t>(MapClasses(scores)));
  sluice::DecodeClassMap(scores, to_cells, width, height, labels.Data(),
                         with_probabilities ? probabilities.Data() : nullptr, counts.Data());
  Napi::Object result = Napi::Object::New(env);
  result.Set("labels", labels);
  result.Set("probabilities", probabilities);
  result.Set("counts", counts);
  return result;
}

}  // namespace sluice::addon
