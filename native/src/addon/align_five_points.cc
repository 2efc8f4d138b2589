#include <algorithm>

#include "addon/argument.h"
#include "addon/operators.h"
#include "cpu/similarity.h"

namespace sluice::addon {

Napi::Value AlignFivePoints(const Napi::CallbackInfo& info) {
  const FloatView landmarks = ConstView(Argument(info[0], "landmarks").Floats());
  const FloatView template_points = ConstView(Argument(info[1], "template").Floats());
  const Affine matrix = sluice::AlignFivePoints(landmarks, template_points);
  Napi::Float64Array result = Napi::Float64Array::New(info.Env(), 6);
  std::copy(std::begin(matrix.m), std::end(matrix.m), result.Data());
  return result;
}

}  // namespace sluice::addon
