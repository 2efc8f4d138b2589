#include "addon/operators.h"

namespace sluice::addon {
namespace {

#if defined(__clang__)
constexpr char kCompiler[] = "clang " __clang_version__;
#else
constexpr char kCompiler[] = "gcc " __VERSION__;
#endif

}  // namespace

Napi::Value Info(const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("version", SLUICE_VERSION);
  result.Set("compiler", kCompiler);
  return result;
}

}  // namespace sluice::addon
