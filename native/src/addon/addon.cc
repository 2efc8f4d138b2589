#include <napi.h>

#include <new>
#include <stdexcept>

#include "addon/operators.h"

namespace sluice::addon {
namespace {

/** Turns the operators' exceptions into JavaScript's. */
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value Translated(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (const std::out_of_range& error) {
    throw Napi::RangeError::New(info.Env(), error.what());
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(info.Env(), "out of memory");
  }
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("info", Napi::Function::New<Translated<Info>>(env, "info"));
  exports.Set("warpNormalize", Napi::Function::New<Translated<WarpNormalize>>(env, "warpNormalize"));
  exports.Set("decodeCenterFace", Napi::Function::New<Translated<DecodeCenterFace>>(env, "decodeCenterFace"));
  exports.Set("nms", Napi::Function::New<Translated<Nms>>(env, "nms"));
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
