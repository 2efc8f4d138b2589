#include <napi.h>

#include "addon/gpu/functions.h"
#include "addon/gpu/instance.h"
#include "addon/gpu/translated.h"

namespace sluice::addon::gpu {
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("info", Napi::Function::New<Translated<Info>>(env, "info"));
  exports.Set("devices", Napi::Function::New<Translated<Devices>>(env, "devices"));
  exports.Set("telemetry", Napi::Function::New<Translated<Telemetry>>(env, "telemetry"));
  exports.Set("buildEngine", Napi::Function::New<Translated<BuildEngine>>(env, "buildEngine"));
  Instance::Define(env);
  exports.Set("openInstance", Napi::Function::New<Translated<OpenInstance>>(env, "openInstance"));
  exports.Set("benchEngine", Napi::Function::New<Translated<BenchEngine>>(env, "benchEngine"));
  return exports;
}

NODE_API_MODULE(sluice_gpu, Init)

}  // namespace
}  // namespace sluice::addon::gpu
