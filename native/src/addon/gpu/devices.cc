#include "addon/gpu/functions.h"
#include "cuda/device.h"
#include "cuda/telemetry.h"
#include "tensorrt/library.h"

namespace sluice::addon::gpu {

Napi::Value Info(const Napi::CallbackInfo& info) {
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("version", SLUICE_VERSION);
  result.Set("cuda", SLUICE_CUDA_VERSION);
  result.Set("tensorrt", tensorrt::LibraryVersion());
  result.Set("driver", cuda::DriverVersion());
  return result;
}

Napi::Value Devices(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array result = Napi::Array::New(env);
  for (const cuda::Device& device : cuda::ListDevices()) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("index", device.index);
    item.Set("uuid", device.uuid);
    item.Set("name", device.name);
    item.Set("computeCapability", std::to_string(device.compute_major) + "." + std::to_string(device.compute_minor));
    item.Set("memoryBytes", static_cast<double>(device.memory_bytes));
    result.Set(result.Length(), item);
  }
  return result;
}

Napi::Value Telemetry(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array result = Napi::Array::New(env);
  for (const cuda::Telemetry& gpu : cuda::ReadTelemetry()) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("index", gpu.index);
    item.Set("uuid", gpu.uuid);
    item.Set("name", gpu.name);
    item.Set("utilization", gpu.utilization);
    item.Set("memoryTotalBytes", gpu.memory_total_bytes);
    item.Set("memoryUsedBytes", gpu.memory_used_bytes);
    item.Set("powerWatts", gpu.power_watts);
    item.Set("powerLimitWatts", gpu.power_limit_watts);
    item.Set("energyJoules", gpu.energy_joules);
    item.Set("temperatureCelsius", gpu.temperature_celsius);
    item.Set("jpegUtilization", gpu.jpeg_utilization);
    result.Set(result.Length(), item);
  }
  return result;
}

}  // namespace sluice::addon::gpu
