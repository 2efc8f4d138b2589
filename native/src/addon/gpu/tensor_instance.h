#pragma once

#include <napi.h>

#include <memory>

#include "instance/tensor_instance.h"

namespace sluice::addon::gpu {

/** NativeGpuTensorInstance of server/runtime/native-gpu.ts: a sluice::TensorInstance. */
class TensorInstance final : public Napi::ObjectWrap<TensorInstance> {
 public:
  /** Makes the class known to the thread's environment. */
  static void Define(Napi::Env env);
  explicit TensorInstance(const Napi::CallbackInfo& info);

 private:
  Napi::Value Notes(const Napi::CallbackInfo& info);
  Napi::Value Tensors(const Napi::CallbackInfo& info);
  Napi::Value Infer(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  sluice::TensorInstance& Open(const Napi::CallbackInfo& info);

  std::unique_ptr<sluice::TensorInstance> instance_;
};

}  // namespace sluice::addon::gpu
