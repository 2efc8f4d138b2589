#include "cuda/device.h"

#include <cuda_runtime_api.h>

#include <cstdio>

#include "cuda/check.h"
#include "cuda/driver.h"
#include "cuda/nvml.h"

namespace sluice::cuda {
namespace {

/** CUDA's 12040 as 12.4. */
std::string VersionText(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

[[noreturn]] void RefuseDevices(cudaError_t status) {
  cudaGetLastError();
  int driver = 0;
  // 0 where there is none.
  if (cudaDriverGetVersion(&driver) != cudaSuccess) driver = 0;
  std::string why = "no GPU can be used: ";
  if (driver == 0) {
    why += "NVIDIA's driver is not installed, or not passed into this container (libcuda.so.1 is missing)";
  } else if (status == cudaErrorInsufficientDriver) {
    int runtime = 0;
    if (cudaRuntimeGetVersion(&runtime) != cudaSuccess) runtime = CUDART_VERSION;
    const std::string name = DriverVersion();
    why += "the driver " + (name.empty() ? "" : name + " ") + "supports CUDA " + VersionText(driver) +
           ", this build needs " + VersionText(runtime) + "; update the driver";
  } else if (status == cudaErrorNoDevice || status == cudaSuccess) {
    why += "the driver sees none; check nvidia-smi and CUDA_VISIBLE_DEVICES";
  } else {
    why += std::string(cudaGetErrorName(status)) + ", " + cudaGetErrorString(status);
  }
  throw Error(ErrorCode::kDeviceUnavailable, why);
}

/** As nvidia-smi writes it. */
std::string UuidText(const cudaUUID_t& uuid) {
  std::string text = "GPU";
  for (int i = 0; i < 16; i++) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    char byte[3];
    std::snprintf(byte, sizeof(byte), "%02x", static_cast<unsigned char>(uuid.bytes[i]));
    text += byte;
  }
  return text;
}

/**
 * Whether this process has used a device. To make a device current is to use it, which takes hundreds of megabytes on
 * it; the runtime library has no call that asks without doing so.
 */
bool IsInUse(int index) {
  using GetState = int(int device, unsigned* flags, int* active);
  static GetState* const get_state = DriverFunction<GetState>("cuDevicePrimaryCtxGetState");
  unsigned flags = 0;
  int active = 0;
  return get_state == nullptr || get_state(index, &flags, &active) != 0 || active != 0;
}

}  // namespace

std::vector<Device> ListDevices() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) RefuseDevices(status);
  std::vector<Device> devices;
  for (int i = 0; i < count; i++) {
    cudaDeviceProp properties;
    SLUICE_CUDA(cudaGetDeviceProperties(&properties, i));
    devices.push_back(
        {i, UuidText(properties.uuid), properties.name, properties.major, properties.minor, properties.totalGlobalMem});
  }
  return devices;
}

std::string DriverVersion() {
  const Nvml& nvml = Nvml::Get();
  char version[NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE] = "";
  if (!nvml.refusal.empty() || nvml.driver_version == nullptr) return "";
  return nvml.driver_version(version, sizeof(version)) == NVML_SUCCESS ? version : "";
}

DeviceScope::DeviceScope(int index) {
  SLUICE_CUDA(cudaGetDevice(&former_));
  SLUICE_CUDA(cudaSetDevice(index));
}

DeviceScope::~DeviceScope() {
  // A thread that never chose a device stands on the first one; going back there must not wake it up.
  if (IsInUse(former_)) CheckQuietly(cudaSetDevice(former_), "cudaSetDevice");
}

}  // namespace sluice::cuda
