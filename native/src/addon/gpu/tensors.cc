#include "addon/gpu/tensors.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "addon/gpu/readers.h"
#include "tensorrt/data_type.h"

namespace sluice::addon::gpu {
namespace {

Napi::Array ShapeOf(Napi::Env env, const std::vector<std::int64_t>& shape) {
  Napi::Array result = Napi::Array::New(env);
  for (const std::int64_t size : shape) result.Set(result.Length(), static_cast<double>(size));
  return result;
}

Napi::Object Described(Napi::Env env, const std::string& name, nvinfer1::DataType type,
                       const std::vector<std::int64_t>& shape) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("name", name);
  result.Set("datatype", tensorrt::NameOf(type));
  result.Set("shape", ShapeOf(env, shape));
  return result;
}

Napi::Array ListOf(Napi::Env env, const std::vector<tensorrt::TensorInfo>& tensors) {
  Napi::Array result = Napi::Array::New(env);
  for (const tensorrt::TensorInfo& tensor : tensors) {
    result.Set(result.Length(), Described(env, tensor.name, tensor.type, tensor.shape));
  }
  return result;
}

std::string TextOf(const Argument& value) { return value.Text(); }

}  // namespace

Napi::Object TensorsOf(Napi::Env env, const tensorrt::Engine& engine) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("inputs", ListOf(env, engine.inputs()));
  result.Set("outputs", ListOf(env, engine.outputs()));
  return result;
}

TensorBatch TensorBatchOf(const Argument& value) {
  TensorBatch batch;
  std::vector<Napi::Uint8Array> arrays;
  batch.inputs = value.Field("inputs").List([&arrays](const Argument& input) {
    TensorView tensor{};
    tensor.name = input.Field("name").Text();
    tensor.shape = input.Field("shape").List([](const Argument& size) { return size.Integer(); });
    arrays.push_back(input.Field("data").Bytes());
    return tensor;
  });
  batch.outputs =
      value.Field("outputs").Optional([](const Argument& names) { return names.List(TextOf); });
  // Only now: no getter runs any more.
  for (std::size_t i = 0; i < arrays.size(); i++) {
    batch.inputs[i].data = arrays[i].Data();
    batch.inputs[i].bytes = arrays[i].ByteLength();
  }
  return batch;
}

Napi::Object TensorRunOf(Napi::Env env, const std::vector<FoundTensor>& found, const GpuPhases& phases) {
  Napi::Array outputs = Napi::Array::New(env);
  for (const FoundTensor& tensor : found) {
    Napi::Object output = Described(env, tensor.name, tensor.type, tensor.shape);
    Napi::Uint8Array data = Napi::Uint8Array::New(env, tensor.bytes);
    const auto* bytes = static_cast<const std::uint8_t*>(tensor.data);
    std::copy(bytes, bytes + tensor.bytes, data.Data());
    output.Set("data", data);
    outputs.Set(outputs.Length(), output);
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("outputs", outputs);
  result.Set("phases", PhasesOf(env, phases));
  return result;
}

}  // namespace sluice::addon::gpu
