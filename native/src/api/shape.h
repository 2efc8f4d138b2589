#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice {

/** Throws Error kInvalidRequest where a size is negative, or the values would not fit any memory. */
std::size_t NumberOfValues(const std::vector<std::int64_t>& shape);

}  // namespace sluice
