#pragma once

#include <napi.h>

#include "addon/argument.h"
#include "instance/gpu_instance.h"

namespace sluice::addon::gpu {

/** What the specs and answers of native-gpu.ts's kinds of instances have in common. */

tensorrt::EngineSource EngineOf(const Argument& spec);

/** The fields of a spec that say which engine is run, and how; not the shape of its rows. */
tensorrt::PoolSpec<tensorrt::ExecutionLane> PoolOf(const Argument& spec);

ClassificationSpec ClassificationSpecOf(const Argument& task);

Napi::Object PhasesOf(Napi::Env env, const GpuPhases& phases);

}  // namespace sluice::addon::gpu
