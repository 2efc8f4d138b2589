#pragma once

#include <napi.h>

namespace sluice::addon {

/** The functions of the addon, in the order of server/runtime/native.ts, which documents them. */
Napi::Value Info(const Napi::CallbackInfo& info);
Napi::Value WarpNormalize(const Napi::CallbackInfo& info);
Napi::Value OpenDetections(const Napi::CallbackInfo& info);
Napi::Value Nms(const Napi::CallbackInfo& info);
Napi::Value DecodeClassMap(const Napi::CallbackInfo& info);
Napi::Value DecodeMask(const Napi::CallbackInfo& info);
Napi::Value FillMask(const Napi::CallbackInfo& info);
Napi::Value FindHeatPeaks(const Napi::CallbackInfo& info);
Napi::Value WritePose(const Napi::CallbackInfo& info);
Napi::Value L2Normalize(const Napi::CallbackInfo& info);
Napi::Value Activate(const Napi::CallbackInfo& info);
Napi::Value PoolTokens(const Napi::CallbackInfo& info);
Napi::Value AlignFivePoints(const Napi::CallbackInfo& info);
Napi::Value Exit(const Napi::CallbackInfo& info);

}  // namespace sluice::addon
