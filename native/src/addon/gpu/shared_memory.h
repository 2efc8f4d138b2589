#pragma once

#include <napi.h>

#include <memory>

#include "cuda/shared_memory.h"

namespace sluice::addon::gpu {

/** NativeSharedMemory of server/runtime/native-gpu-memory.ts: a cuda::SharedMemory. */
class SharedMemory final : public Napi::ObjectWrap<SharedMemory> {
 public:
  /** Makes the class known to the thread's environment. */
  static void Define(Napi::Env env);
  explicit SharedMemory(const Napi::CallbackInfo& info);

 private:
  Napi::Value Read(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  cuda::SharedMemory& Open(const Napi::CallbackInfo& info);

  std::unique_ptr<cuda::SharedMemory> memory_;
};

}  // namespace sluice::addon::gpu
