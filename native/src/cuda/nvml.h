#pragma once

#include <nvml.h>

#include <string>

namespace sluice::cuda {

/**
 * NVIDIA's management library, loaded from the driver when it is first asked for and kept until the process ends. Its
 * calls are thread-safe and create no CUDA context. What an older driver does not have is null.
 */
struct Nvml {
  /** The library; its `refusal` says why it cannot be used. */
  static const Nvml& Get();

  /** Empty: it can be used. */
  std::string refusal;

  const char* (*error_string)(nvmlReturn_t) = nullptr;
  nvmlReturn_t (*driver_version)(char* version, unsigned length) = nullptr;
  nvmlReturn_t (*device_count)(unsigned* count) = nullptr;
  nvmlReturn_t (*device_by_index)(unsigned index, nvmlDevice_t* device) = nullptr;
  nvmlReturn_t (*uuid)(nvmlDevice_t device, char* uuid, unsigned length) = nullptr;
  nvmlReturn_t (*name)(nvmlDevice_t device, char* name, unsigned length) = nullptr;
  nvmlReturn_t (*utilization)(nvmlDevice_t device, nvmlUtilization_t* utilization) = nullptr;
  nvmlReturn_t (*memory)(nvmlDevice_t device, nvmlMemory_t* memory) = nullptr;
  nvmlReturn_t (*power)(nvmlDevice_t device, unsigned* milliwatts) = nullptr;
  nvmlReturn_t (*power_limit)(nvmlDevice_t device, unsigned* milliwatts) = nullptr;
  nvmlReturn_t (*energy)(nvmlDevice_t device, unsigned long long* millijoules) = nullptr;
  nvmlReturn_t (*temperature)(nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned* celsius) = nullptr;
  nvmlReturn_t (*jpeg_utilization)(nvmlDevice_t device, unsigned* percent, unsigned* period) = nullptr;

 private:
  Nvml();
};

}  // namespace sluice::cuda
