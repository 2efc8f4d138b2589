#pragma once

#include <napi.h>

#include "addon/argument.h"
#include "instance/gpu_instance.h"

namespace sluice::addon::gpu {

/** What the specs and answers of native-gpu.ts's two kinds of instances have in common. */

/** The fields of a spec that say which engine is run, and how; not the shape of its rows. */
tensorrt::PoolSpec PoolOf(const Argument& spec);

ClassificationSpec ClassificationSpecOf(const Argument& task);

Napi::Object PhasesOf(Napi::Env env, const GpuPhases& phases);

}  // namespace sluice::addon::gpu
