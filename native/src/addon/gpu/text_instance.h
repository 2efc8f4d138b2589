#pragma once

#include <napi.h>

#include <memory>

#include "instance/text_instance.h"

namespace sluice::addon::gpu {

/** NativeGpuTextInstance of server/runtime/native-gpu.ts: a sluice::TextInstance. */
class TextInstance final : public Napi::ObjectWrap<TextInstance> {
 public:
  /** Makes the class known to the thread's environment. */
  static void Define(Napi::Env env);
  explicit TextInstance(const Napi::CallbackInfo& info);

 private:
  Napi::Value Notes(const Napi::CallbackInfo& info);
  Napi::Value InputNames(const Napi::CallbackInfo& info);
  Napi::Value Run(const Napi::CallbackInfo& info);
  Napi::Value Tensors(const Napi::CallbackInfo& info);
  Napi::Value Infer(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  sluice::TextInstance& Open(const Napi::CallbackInfo& info);

  std::unique_ptr<sluice::TextInstance> instance_;
};

}  // namespace sluice::addon::gpu
