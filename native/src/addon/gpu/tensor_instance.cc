#include "addon/gpu/tensor_instance.h"

#include <string>

#include "addon/gpu/environment.h"
#include "addon/gpu/functions.h"
#include "addon/gpu/readers.h"
#include "addon/gpu/tensors.h"
#include "addon/translated.h"

namespace sluice::addon::gpu {
namespace {

TensorInstanceSpec SpecOf(const Argument& spec) { return {EngineOf(spec), spec.Field("executionContexts").Int32(), {}}; }

}  // namespace

void TensorInstance::Define(Napi::Env env) {
  Environment::Of(env).tensor_instance_class = Napi::Persistent(DefineClass(
      env, "TensorInstance",
      {
          InstanceMethod("notes", &TensorInstance::Notes),
          InstanceMethod("tensors", &TensorInstance::Tensors),
          InstanceMethod("infer", &TensorInstance::Infer),
          InstanceMethod("close", &TensorInstance::Close),
      }));
}

TensorInstance::TensorInstance(const Napi::CallbackInfo& info) : Napi::ObjectWrap<TensorInstance>(info) {
  Translate(info.Env(), [&] {
    instance_ = std::make_unique<sluice::TensorInstance>(SpecOf(Argument(info[0], "spec")));
  });
}

sluice::TensorInstance& TensorInstance::Open(const Napi::CallbackInfo& info) {
  if (instance_ == nullptr) throw Napi::Error::New(info.Env(), "the instance is closed");
  return *instance_;
}

Napi::Value TensorInstance::Notes(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    Napi::Array result = Napi::Array::New(info.Env());
    for (const std::string& note : Open(info).Notes()) result.Set(result.Length(), note);
    return result;
  });
}

Napi::Value TensorInstance::Tensors(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value { return TensorsOf(info.Env(), Open(info).engine()); });
}

Napi::Value TensorInstance::Infer(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value { return gpu::Infer(info, Open(info)); });
}

Napi::Value TensorInstance::Close(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    instance_.reset();
    return info.Env().Undefined();
  });
}

Napi::Value OpenTensorInstance(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env()).tensor_instance_class.New({info[0]});
}

}  // namespace sluice::addon::gpu
