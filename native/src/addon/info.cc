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
  const Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  result.Set("version", SLUICE_VERSION);
  result.Set("compiler", kCompiler);
  result.Set("cuda", env.Null());
  result.Set("tensorrt", env.Null());
  return result;
}

}  // namespace sluice::addon
