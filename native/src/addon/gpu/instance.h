#pragma once

#include <napi.h>

#include <memory>
#include <vector>

#include "instance/gpu_instance.h"

namespace sluice::addon::gpu {

/** NativeGpuInstance of server/runtime/native-gpu.ts: a GpuInstance with the pictures that it still reads. */
class Instance final : public Napi::ObjectWrap<Instance> {
 public:
  /** Makes the class known to the thread's environment. */
  static void Define(Napi::Env env);
  explicit Instance(const Napi::CallbackInfo& info);

 private:
  Napi::Value Notes(const Napi::CallbackInfo& info);
  Napi::Value Decode(const Napi::CallbackInfo& info);
  Napi::Value Upload(const Napi::CallbackInfo& info);
  Napi::Value Run(const Napi::CallbackInfo& info);
  Napi::Value Tensors(const Napi::CallbackInfo& info);
  Napi::Value Infer(const Napi::CallbackInfo& info);
  Napi::Value Keep(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  GpuInstance& Open(const Napi::CallbackInfo& info);

  std::unique_ptr<GpuInstance> instance_;
  /** The pictures of the last decode: the device may read them until the next run has returned. */
  Napi::ObjectReference pictures_;
};

}  // namespace sluice::addon::gpu
