#pragma once

#include <napi.h>

namespace sluice::addon::gpu {

/** What one thread's environment keeps for the addon. */
struct Environment {
  Napi::FunctionReference instance_class;
  Napi::FunctionReference text_instance_class;
  Napi::FunctionReference tensor_instance_class;
  Napi::FunctionReference shared_memory_class;

  static Environment& Of(Napi::Env env) {
    auto* data = env.GetInstanceData<Environment>();
    if (data == nullptr) env.SetInstanceData(data = new Environment);
    return *data;
  }
};

}  // namespace sluice::addon::gpu
