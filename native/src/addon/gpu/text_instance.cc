#include "addon/gpu/text_instance.h"

#include <algorithm>
#include <string>
#include <vector>

#include "addon/gpu/environment.h"
#include "addon/gpu/functions.h"
#include "addon/gpu/readers.h"
#include "addon/gpu/tensors.h"
#include "addon/translated.h"
#include "params/check.h"

namespace sluice::addon::gpu {
namespace {

TextInstanceSpec SpecOf(const Argument& spec) {
  TextInstanceSpec result{};
  result.pool = PoolOf(spec);
  result.pool.lane.row_shape = {spec.Field("maxLength").Int32()};
  const Argument task = spec.Field("task");
  if (task.Field("kind").Text() == "classify") {
    result.task = ClassificationSpecOf(task);
  } else {
    const auto pooling = task.Field("pooling").OneOf<Pooling>(
        {{"none", Pooling::kNone}, {"cls", Pooling::kCls}, {"mean", Pooling::kMean}});
    result.task = TextEmbeddingSpec{pooling, task.Field("normalize").Boolean()};
  }
  return result;
}

/** The arrays stay the caller's. */
TextBatch BatchOf(const Argument& value) {
  TextBatch batch{};
  batch.length = value.Field("length").Int32();
  const std::vector<Napi::Int32Array> inputs =
      value.Field("inputs").List([](const Argument& input) { return input.Integers(); });
  const Napi::Int32Array tokens = value.Field("tokens").Integers();
  batch.rows = static_cast<std::int32_t>(tokens.ElementLength());
  batch.tokens = tokens.Data();
  for (const Napi::Int32Array& input : inputs) {
    const std::size_t expected = tokens.ElementLength() * static_cast<std::size_t>(std::max(batch.length, 0));
    if (input.ElementLength() != expected) {
      Refuse("inputs[", batch.inputs.size(), "] has ", input.ElementLength(), " values; it must have ", expected);
    }
    batch.inputs.push_back(input.Data());
  }
  return batch;
}

Napi::Array Texts(Napi::Env env, const std::vector<std::string>& texts) {
  Napi::Array result = Napi::Array::New(env);
  for (const std::string& text : texts) result.Set(result.Length(), text);
  return result;
}

}  // namespace

void TextInstance::Define(Napi::Env env) {
  Environment::Of(env).text_instance_class = Napi::Persistent(DefineClass(
      env, "TextInstance",
      {
          InstanceMethod("notes", &TextInstance::Notes),
          InstanceMethod("inputNames", &TextInstance::InputNames),
          InstanceMethod("run", &TextInstance::Run),
          InstanceMethod("tensors", &TextInstance::Tensors),
          InstanceMethod("infer", &TextInstance::Infer),
          InstanceMethod("close", &TextInstance::Close),
      }));
}

TextInstance::TextInstance(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TextInstance>(info) {
  Translate(info.Env(), [&] {
    instance_ = std::make_unique<sluice::TextInstance>(SpecOf(Argument(info[0], "spec")));
  });
}

sluice::TextInstance& TextInstance::Open(const Napi::CallbackInfo& info) {
  if (instance_ == nullptr) throw Napi::Error::New(info.Env(), "the instance is closed");
  return *instance_;
}

Napi::Value TextInstance::Notes(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value { return Texts(info.Env(), Open(info).Notes()); });
}

Napi::Value TextInstance::InputNames(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value { return Texts(info.Env(), Open(info).input_names()); });
}

Napi::Value TextInstance::Run(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    sluice::TextInstance& instance = Open(info);
    GpuPhases phases{};
    const ResultTables tables = instance.Run(BatchOf(Argument(info[0], "batch")), &phases);
    Napi::Object result = Napi::Object::New(env);
    result.Set("columns", tables.columns);
    Napi::Float32Array values = Napi::Float32Array::New(env, tables.values.size());
    std::copy(tables.values.begin(), tables.values.end(), values.Data());
    result.Set("values", values);
    result.Set("phases", PhasesOf(env, phases));
    return result;
  });
}

Napi::Value TextInstance::Tensors(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value { return TensorsOf(info.Env(), Open(info).engine()); });
}

Napi::Value TextInstance::Infer(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value { return gpu::Infer(info, Open(info)); });
}

Napi::Value TextInstance::Close(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    instance_.reset();
    return info.Env().Undefined();
  });
}

Napi::Value OpenTextInstance(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env()).text_instance_class.New({info[0]});
}

}  // namespace sluice::addon::gpu
