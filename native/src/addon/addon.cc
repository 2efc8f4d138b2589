#include <napi.h>

#include "addon/detections.h"
#include "addon/operators.h"
#include "addon/translated.h"

namespace sluice::addon {
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("info", Napi::Function::New<Translated<Info>>(env, "info"));
  exports.Set("warpNormalize", Napi::Function::New<Translated<WarpNormalize>>(env, "warpNormalize"));
  Detections::Define(env);
  exports.Set("openDetections", Napi::Function::New<Translated<OpenDetections>>(env, "openDetections"));
  exports.Set("nms", Napi::Function::New<Translated<Nms>>(env, "nms"));
  exports.Set("l2Normalize", Napi::Function::New<Translated<L2Normalize>>(env, "l2Normalize"));
  exports.Set("alignFivePoints", Napi::Function::New<Translated<AlignFivePoints>>(env, "alignFivePoints"));
  exports.Set("exit", Napi::Function::New<Translated<Exit>>(env, "exit"));
  return exports;
}

NODE_API_MODULE(sluice, Init)

}  // namespace
}  // namespace sluice::addon
