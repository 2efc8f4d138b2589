#include <cstdlib>

#include "addon/operators.h"

namespace sluice::addon {

Napi::Value Exit(const Napi::CallbackInfo& info) {
  const Napi::Value code = info[0];
  if (!code.IsNumber()) throw Napi::TypeError::New(info.Env(), "code must be a number");
  // Node's own exit joins its threads first, and one that is inside a long native call would hold it up.
  std::_Exit(code.As<Napi::Number>().Int32Value());
}

}  // namespace sluice::addon
