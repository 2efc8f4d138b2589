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
  exports.Set("decodeClassMap", Napi::Function::New<Translated<DecodeClassMap>>(env, "decodeClassMap"));
  exports.Set("decodeMask", Napi::Function::New<Translated<DecodeMask>>(env, "decodeMask"));
  exports.Set("fillMask", Napi::Function::New<Translated<FillMask>>(env, "fillMask"));
  exports.Set("findHeatPeaks", Napi::Function::New<Translated<FindHeatPeaks>>(env, "findHeatPeaks"));
  exports.Set("writePose", Napi::Function::New<Translated<WritePose>>(env, "writePose"));
  exports.Set("l2Normalize", Napi::Function::New<Translated<L2Normalize>>(env, "l2Normalize"));
  exports.Set("activate", Napi::Function::New<Translated<Activate>>(env, "activate"));
  exports.Set("poolTokens", Napi::Function::New<Translated<PoolTokens>>(env, "poolTokens"));
  exports.Set("alignFivePoints", Napi::Function::New<Translated<AlignFivePoints>>(env, "alignFivePoints"));
  exports.Set("exit", Napi::Function::New<Translated<Exit>>(env, "exit"));
  return exports;
}

NODE_API_MODULE(sluice, Init)

}  // namespace
}  // namespace sluice::addon
