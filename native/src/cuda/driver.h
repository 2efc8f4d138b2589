#pragma once

namespace sluice::cuda {

/** A function of libcuda.so.1 by its name there; null where it, or the driver, is missing. */
void* FindDriverFunction(const char* name);

/** The same as a function of the type that cuda.h gives it: what the runtime library does not do, and no build links. */
template <typename Function>
Function* DriverFunction(const char* name) {
  return reinterpret_cast<Function*>(FindDriverFunction(name));
}

}  // namespace sluice::cuda
