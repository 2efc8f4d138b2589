#include "cpu/l2_normalize.h"

#include "addon/argument.h"
#include "addon/operators.h"

namespace sluice::addon {

Napi::Value L2Normalize(const Napi::CallbackInfo& info) {
  const std::int64_t rows = Argument(info[1], "rows").Integer();
  sluice::L2Normalize(View(Argument(info[0], "values").Floats()), rows);
  return info.Env().Undefined();
}

}  // namespace sluice::addon
