#include "cuda/telemetry.h"

#include <limits>

#include "cuda/nvml.h"
#include "params/error.h"

namespace sluice::cuda {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/** What a call that writes one number says, times `scale`; NaN where it is missing or fails. */
template <typename Call, typename Value>
double Read(Call call, nvmlDevice_t device, Value value, double scale) {
  if (call == nullptr || call(device, &value) != NVML_SUCCESS) return kUnknown;
  return static_cast<double>(value) * scale;
}

template <typename Call>
std::string ReadText(Call call, nvmlDevice_t device) {
  char text[NVML_DEVICE_NAME_V2_BUFFER_SIZE] = "";
  if (call == nullptr || call(device, text, sizeof(text)) != NVML_SUCCESS) return "";
  return text;
}

Telemetry ReadDevice(const Nvml& nvml, int index, nvmlDevice_t device) {
  Telemetry telemetry;
  telemetry.index = index;
  telemetry.uuid = ReadText(nvml.uuid, device);
  telemetry.name = ReadText(nvml.name, device);

  nvmlUtilization_t utilization;
  const bool utilized = nvml.utilization != nullptr && nvml.utilization(device, &utilization) == NVML_SUCCESS;
  telemetry.utilization = utilized ? utilization.gpu / 100.0 : kUnknown;

  nvmlMemory_t memory;
  const bool measured = nvml.memory != nullptr && nvml.memory(device, &memory) == NVML_SUCCESS;
  telemetry.memory_total_bytes = measured ? static_cast<double>(memory.total) : kUnknown;
  telemetry.memory_used_bytes = measured ? static_cast<double>(memory.used) : kUnknown;

  telemetry.power_watts = Read(nvml.power, device, 0u, 1e-3);
  telemetry.power_limit_watts = Read(nvml.power_limit, device, 0u, 1e-3);
  telemetry.energy_joules = Read(nvml.energy, device, 0ull, 1e-3);

  unsigned celsius = 0;
  const bool warm = nvml.temperature != nullptr &&
                    nvml.temperature(device, NVML_TEMPERATURE_GPU, &celsius) == NVML_SUCCESS;
  telemetry.temperature_celsius = warm ? celsius : kUnknown;

  unsigned percent = 0;
  unsigned period = 0;
  const bool decoding =
      nvml.jpeg_utilization != nullptr && nvml.jpeg_utilization(device, &percent, &period) == NVML_SUCCESS;
  telemetry.jpeg_utilization = decoding ? percent / 100.0 : kUnknown;
  return telemetry;
}

}  // namespace

std::vector<Telemetry> ReadTelemetry() {
  const Nvml& nvml = Nvml::Get();
  if (!nvml.refusal.empty()) throw Error(ErrorCode::kDeviceUnavailable, nvml.refusal);
  unsigned count = 0;
  const nvmlReturn_t status = nvml.device_count(&count);
  if (status != NVML_SUCCESS) {
    throw Error(ErrorCode::kDeviceUnavailable,
                std::string("NVML does not count the GPUs: ") + nvml.error_string(status));
  }
  std::vector<Telemetry> devices;
  for (unsigned i = 0; i < count; i++) {
    nvmlDevice_t device;
    // A GPU that this process may not see, or that has fallen off the bus, does not hide the others.
    if (nvml.device_by_index(i, &device) != NVML_SUCCESS) continue;
    devices.push_back(ReadDevice(nvml, static_cast<int>(i), device));
  }
  return devices;
}

}  // namespace sluice::cuda
