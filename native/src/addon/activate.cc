#include "cpu/activate.h"

#include "addon/argument.h"
#include "addon/operators.h"

namespace sluice::addon {

Napi::Value Activate(const Napi::CallbackInfo& info) {
  const std::int64_t rows = Argument(info[1], "rows").Integer();
  const auto activation = Argument(info[2], "activation").OneOf<ClassActivation>({
      {"softmax", ClassActivation::kSoftmax},
      {"sigmoid", ClassActivation::kSigmoid},
  });
  sluice::Activate(View(Argument(info[0], "values").Floats()), rows, activation);
  return info.Env().Undefined();
}

}  // namespace sluice::addon
