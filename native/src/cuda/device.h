#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::cuda {

/** A GPU that CUDA can use. */
struct Device {
  int index;
  /** `GPU-...`, as nvidia-smi shows it. */
  std::string uuid;
  std::string name;
  int compute_major;
  int compute_minor;
  std::uint64_t memory_bytes;
};

/** The GPUs of the machine, in CUDA's order. Throws Error kDeviceUnavailable, saying why, when there is none. */
std::vector<Device> ListDevices();

/** The driver as NVML names it (`580.95.05`), or empty. */
std::string DriverVersion();

/**
 * Makes a device the current one of a thread, and the former one again at the end, unless this process has not used
 * that: then the thread stays, as going back would take memory there.
 */
class DeviceScope {
 public:
  explicit DeviceScope(int index);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int former_ = 0;
};

}  // namespace sluice::cuda
