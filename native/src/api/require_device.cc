#include "api/require_device.h"

#include <string>

#include "cuda/device.h"
#include "params/error.h"

namespace sluice {

void RequireDevice(int index) {
  const std::size_t count = cuda::ListDevices().size();
  if (index >= 0 && static_cast<std::size_t>(index) < count) return;
  throw Error(ErrorCode::kDeviceUnavailable, "there is no GPU " + std::to_string(index) + "; CUDA numbers them 0 to " +
                                                 std::to_string(count - 1));
}

}  // namespace sluice
