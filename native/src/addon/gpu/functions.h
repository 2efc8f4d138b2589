#pragma once

#include <napi.h>

namespace sluice::addon::gpu {

/** The functions of the GPU addon, in the order of server/runtime/native-gpu.ts, which documents them. */
Napi::Value Info(const Napi::CallbackInfo& info);
Napi::Value Devices(const Napi::CallbackInfo& info);
Napi::Value Telemetry(const Napi::CallbackInfo& info);
Napi::Value BuildEngine(const Napi::CallbackInfo& info);
Napi::Value OpenInstance(const Napi::CallbackInfo& info);
Napi::Value OpenTextInstance(const Napi::CallbackInfo& info);
Napi::Value OpenTensorInstance(const Napi::CallbackInfo& info);
Napi::Value DownloadPicture(const Napi::CallbackInfo& info);
Napi::Value ReleasePicture(const Napi::CallbackInfo& info);
Napi::Value KeptPictures(const Napi::CallbackInfo& info);
Napi::Value OpenSharedMemory(const Napi::CallbackInfo& info);
Napi::Value BenchEngine(const Napi::CallbackInfo& info);

}  // namespace sluice::addon::gpu
