#include <cmath>

#include "cuda/device.h"
#include "cuda/telemetry.h"
#include "gpu_test.h"

namespace sluice::test {

bool TestDevices() {
  Group group("devices");
  const std::vector<cuda::Telemetry> telemetry = cuda::ReadTelemetry();
  const std::string driver = cuda::DriverVersion();
  if (driver.empty()) group.Fail("the driver has no version");
  const std::vector<cuda::Device> devices = cuda::ListDevices();
  for (const cuda::Device& device : devices) {
    group.Case();
    std::printf("  device %d: %s, %s, compute %d.%d, %.1f GiB\n", device.index, device.name.c_str(),
                device.uuid.c_str(), device.compute_major, device.compute_minor,
                static_cast<double>(device.memory_bytes) / (1 << 30));
    bool found = false;
    for (const cuda::Telemetry& one : telemetry) found = found || one.uuid == device.uuid;
    if (!found) group.Fail("NVML does not know %s", device.uuid.c_str());
  }
  for (const cuda::Telemetry& one : telemetry) {
    std::printf("  telemetry %d: %s, %s, %.2f busy, %.0f of %.0f bytes, %.1f of %.1f W, %.1f J, %.0f C, jpeg %.2f\n",
                one.index, one.name.c_str(), one.uuid.c_str(), one.utilization, one.memory_used_bytes,
                one.memory_total_bytes, one.power_watts, one.power_limit_watts, one.energy_joules,
                one.temperature_celsius, one.jpeg_utilization);
    if (!(one.memory_used_bytes <= one.memory_total_bytes)) group.Fail("more memory is used than there is");
  }
  const int former = devices.back().index;
  SLUICE_CUDA(cudaSetDevice(former));
  {
    const cuda::DeviceScope scope(0);
    int current = -1;
    SLUICE_CUDA(cudaGetDevice(&current));
    if (current != 0) group.Fail("the scope made %d the device, not 0", current);
  }
  int current = -1;
  SLUICE_CUDA(cudaGetDevice(&current));
  if (current != former) group.Fail("the scope left %d the device, not %d", current, former);
  SLUICE_CUDA(cudaSetDevice(0));
  return group.Finish("driver %s", driver.c_str());
}

}  // namespace sluice::test
