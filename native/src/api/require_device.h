#pragma once

namespace sluice {

/** Throws Error kDeviceUnavailable, saying what is missing, where CUDA has no GPU of that number. */
void RequireDevice(int index);

}  // namespace sluice
