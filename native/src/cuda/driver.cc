#include "cuda/driver.h"

#include <dlfcn.h>

namespace sluice::cuda {

void* FindDriverFunction(const char* name) {
  static void* const driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
  return driver == nullptr ? nullptr : dlsym(driver, name);
}

}  // namespace sluice::cuda
