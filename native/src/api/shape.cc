#include "api/shape.h"

#include <limits>
#include <string>

#include "sluice/error.h"

namespace sluice {

std::size_t NumberOfValues(const std::vector<std::int64_t>& shape) {
  constexpr std::size_t kMost = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(float);
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0) {
      throw Error(ErrorCode::kInvalidRequest, "a shape has a size of " + std::to_string(size) + "; 0 is the least");
    }
    empty = empty || size == 0;
  }
  if (empty) return 0;
  std::size_t count = 1;
  for (const std::int64_t size : shape) {
    if (static_cast<std::size_t>(size) > kMost / count) {
      throw Error(ErrorCode::kInvalidRequest, "a shape has more values than memory can hold");
    }
    count *= static_cast<std::size_t>(size);
  }
  return count;
}

}  // namespace sluice
