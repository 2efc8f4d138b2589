#pragma once

#include <napi.h>

#include <vector>

#include "addon/argument.h"
#include "instance/tensor_exchange.h"

namespace sluice::addon::gpu {

/** What all kinds of instances of native-gpu.ts say of their tensors, and how they are asked for them. */

/** GpuTensors: the inputs and outputs of a plan. */
Napi::Object TensorsOf(Napi::Env env, const tensorrt::Engine& engine);

/** A GpuTensorBatch; its arrays stay the caller's. */
TensorBatch TensorBatchOf(const Argument& value);
/** A GpuTensorRun, with the tensors copied. */
Napi::Object TensorRunOf(Napi::Env env, const std::vector<FoundTensor>& found, const GpuPhases& phases);

/** Answers a call of `infer` by an instance of any kind. */
template <typename Instance>
Napi::Value Infer(const Napi::CallbackInfo& info, Instance& instance) {
  GpuPhases phases{};
  const TensorBatch batch = TensorBatchOf(Argument(info[0], "batch"));
  return TensorRunOf(info.Env(), instance.Infer(batch, &phases), phases);
}

}  // namespace sluice::addon::gpu
