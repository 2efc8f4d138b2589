#pragma once

#include <napi.h>

namespace sluice::addon::gpu {

/** The functions of the GPU addon, in the order of server/runtime/native-gpu.ts, which documents them; a file each. */
Napi::Value BuildEngine(const Napi::CallbackInfo& info);

}  // namespace sluice::addon::gpu
