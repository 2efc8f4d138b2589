#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::cuda {

/** What NVML says of one GPU; what it does not say is NaN. */
struct Telemetry {
  /** NVML's, by bus; CUDA may count otherwise and leave some out, so match GPUs by `uuid`. */
  int index;
  std::string uuid;
  std::string name;
  /** 0 to 1: part of the last sampling period in which a kernel ran. */
  double utilization;
  double memory_total_bytes;
  double memory_used_bytes;
  double power_watts;
  double power_limit_watts;
  double energy_joules;
  double temperature_celsius;
  /** 0 to 1, of the JPEG engines. */
  double jpeg_utilization;
};

/** All GPUs that NVML knows. Loads libnvidia-ml.so.1 itself and creates no CUDA context. Throws Error kDeviceUnavailable. */
std::vector<Telemetry> ReadTelemetry();

}  // namespace sluice::cuda
