#include <napi.h>

#include <cstdlib>
#include <mutex>

#include "addon/gpu/functions.h"
#include "addon/gpu/instance.h"
#include "addon/gpu/shared_memory.h"
#include "addon/gpu/tensor_instance.h"
#include "addon/gpu/text_instance.h"
#include "addon/translated.h"

namespace sluice::addon::gpu {
namespace {

/**
 * Streams beyond 8 share the queues of the GPU unless CUDA is told otherwise before it is first used, and what shares a
 * queue waits for one another: JPEGs then wait for a whole execution of another instance (measured on an H200 with three
 * instances: 4,600 pictures a second instead of 7,050).
 */
void AskForQueues() {
  static std::once_flag once;
  constexpr int kKeep = 0;
  std::call_once(once, [] { setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", kKeep); });
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  AskForQueues();
  exports.Set("info", Napi::Function::New<Translated<Info>>(env, "info"));
  exports.Set("devices", Napi::Function::New<Translated<Devices>>(env, "devices"));
  exports.Set("telemetry", Napi::Function::New<Translated<Telemetry>>(env, "telemetry"));
  exports.Set("buildEngine", Napi::Function::New<Translated<BuildEngine>>(env, "buildEngine"));
  Instance::Define(env);
  exports.Set("openInstance", Napi::Function::New<Translated<OpenInstance>>(env, "openInstance"));
  TextInstance::Define(env);
  exports.Set("openTextInstance", Napi::Function::New<Translated<OpenTextInstance>>(env, "openTextInstance"));
  TensorInstance::Define(env);
  exports.Set("openTensorInstance", Napi::Function::New<Translated<OpenTensorInstance>>(env, "openTensorInstance"));
  exports.Set("downloadPicture", Napi::Function::New<Translated<DownloadPicture>>(env, "downloadPicture"));
  exports.Set("releasePicture", Napi::Function::New<Translated<ReleasePicture>>(env, "releasePicture"));
  exports.Set("keptPictures", Napi::Function::New<Translated<KeptPictures>>(env, "keptPictures"));
  SharedMemory::Define(env);
  exports.Set("openSharedMemory", Napi::Function::New<Translated<OpenSharedMemory>>(env, "openSharedMemory"));
  exports.Set("benchEngine", Napi::Function::New<Translated<BenchEngine>>(env, "benchEngine"));
  return exports;
}

NODE_API_MODULE(sluice_gpu, Init)

}  // namespace
}  // namespace sluice::addon::gpu
