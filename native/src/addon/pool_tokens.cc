#include "cpu/pool_tokens.h"

#include "addon/argument.h"
#include "addon/operators.h"

namespace sluice::addon {

Napi::Value PoolTokens(const Napi::CallbackInfo& info) {
  const std::int64_t length = Argument(info[1], "length").Integer();
  const auto pooling =
      Argument(info[3], "pooling").OneOf<Pooling>({{"cls", Pooling::kCls}, {"mean", Pooling::kMean}});
  const Napi::Int32Array tokens = Argument(info[2], "tokens").Integers();
  sluice::PoolTokens(ConstView(Argument(info[0], "values").Floats()), {tokens.Data(), tokens.ElementLength(), length},
                     pooling, View(Argument(info[4], "out").Floats()));
  return info.Env().Undefined();
}

}  // namespace sluice::addon
