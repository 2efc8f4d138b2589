#include "cuda/nvml.h"

#include <dlfcn.h>

namespace sluice::cuda {
namespace {

template <typename Function>
void Find(void* library, const char* name, Function** function) {
  *function = reinterpret_cast<Function*>(dlsym(library, name));
}

}  // namespace

const Nvml& Nvml::Get() {
  static const Nvml nvml;
  return nvml;
}

Nvml::Nvml() {
  void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    refusal = std::string("libnvidia-ml.so.1 cannot be loaded; it comes with NVIDIA's driver") +
              (why == nullptr ? "" : std::string(": ") + why);
    return;
  }
  nvmlReturn_t (*init)() = nullptr;
  Find(library, "nvmlInit_v2", &init);
  Find(library, "nvmlErrorString", &error_string);
  Find(library, "nvmlSystemGetDriverVersion", &driver_version);
  Find(library, "nvmlDeviceGetCount_v2", &device_count);
  Find(library, "nvmlDeviceGetHandleByIndex_v2", &device_by_index);
  Find(library, "nvmlDeviceGetUUID", &uuid);
  Find(library, "nvmlDeviceGetName", &name);
  Find(library, "nvmlDeviceGetUtilizationRates", &utilization);
  Find(library, "nvmlDeviceGetMemoryInfo", &memory);
  Find(library, "nvmlDeviceGetPowerUsage", &power);
  Find(library, "nvmlDeviceGetEnforcedPowerLimit", &power_limit);
  Find(library, "nvmlDeviceGetTotalEnergyConsumption", &energy);
  Find(library, "nvmlDeviceGetTemperature", &temperature);
  Find(library, "nvmlDeviceGetJpgUtilization", &jpeg_utilization);
  if (init == nullptr || error_string == nullptr || device_count == nullptr || device_by_index == nullptr) {
    refusal = "libnvidia-ml.so.1 lacks calls that every driver since 2013 has; install a current driver";
    return;
  }
  const nvmlReturn_t status = init();
  if (status != NVML_SUCCESS) refusal = std::string("NVML does not start: ") + error_string(status);
}

}  // namespace sluice::cuda
