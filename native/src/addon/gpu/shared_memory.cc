#include "addon/gpu/shared_memory.h"

#include <cstring>

#include "addon/argument.h"
#include "addon/gpu/environment.h"
#include "addon/gpu/functions.h"
#include "addon/translated.h"
#include "params/check.h"

namespace sluice::addon::gpu {
namespace {

std::size_t BytesOf(const Argument& count, const char* name) {
  const std::int64_t bytes = count.Integer();
  if (bytes < 0) Refuse(name, " is ", bytes, "; it must be 0 or more");
  return static_cast<std::size_t>(bytes);
}

std::unique_ptr<cuda::SharedMemory> OpenOf(const Argument& spec) {
  const std::int32_t device = spec.Field("device").Int32();
  const std::size_t bytes = BytesOf(spec.Field("byteSize"), "spec.byteSize");
  const Napi::Uint8Array given = spec.Field("handle").Bytes();
  cudaIpcMemHandle_t handle;
  if (given.ByteLength() != sizeof(handle)) {
    Refuse("spec.handle has ", given.ByteLength(), " bytes; it must have ", sizeof(handle));
  }
  std::memcpy(&handle, given.Data(), sizeof(handle));
  return std::make_unique<cuda::SharedMemory>(handle, device, bytes);
}

}  // namespace

void SharedMemory::Define(Napi::Env env) {
  Environment::Of(env).shared_memory_class = Napi::Persistent(DefineClass(
      env, "SharedMemory",
      {
          InstanceMethod("read", &SharedMemory::Read),
          InstanceMethod("write", &SharedMemory::Write),
          InstanceMethod("close", &SharedMemory::Close),
      }));
}

SharedMemory::SharedMemory(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SharedMemory>(info) {
  Translate(info.Env(), [&] { memory_ = OpenOf(Argument(info[0], "spec")); });
}

cuda::SharedMemory& SharedMemory::Open(const Napi::CallbackInfo& info) {
  if (memory_ == nullptr) throw Napi::Error::New(info.Env(), "the memory is closed");
  return *memory_;
}

Napi::Value SharedMemory::Read(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    const std::size_t from = BytesOf(Argument(info[0], "from"), "from");
    Napi::Uint8Array out = Argument(info[1], "out").Bytes();
    Open(info).Read(from, out.Data(), out.ByteLength());
    return info.Env().Undefined();
  });
}

Napi::Value SharedMemory::Write(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    const std::size_t from = BytesOf(Argument(info[0], "from"), "from");
    const Napi::Uint8Array data = Argument(info[1], "data").Bytes();
    Open(info).Write(from, data.Data(), data.ByteLength());
    return info.Env().Undefined();
  });
}

Napi::Value SharedMemory::Close(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&]() -> Napi::Value {
    memory_.reset();
    return info.Env().Undefined();
  });
}

Napi::Value OpenSharedMemory(const Napi::CallbackInfo& info) {
  return Environment::Of(info.Env()).shared_memory_class.New({info[0]});
}

}  // namespace sluice::addon::gpu
