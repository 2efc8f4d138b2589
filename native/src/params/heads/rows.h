#pragma once

#include <cstddef>
#include <cstdint>

#include "params/host_device.h"

namespace sluice {

/** An output that is a table, for one picture of a batch: row after row of `columns` floats. */
struct Rows {
  const float* data = nullptr;
  std::int32_t columns = 0;
  std::int64_t count = 0;

  SLUICE_HOST_DEVICE const float* operator[](std::uint32_t row) const {
    return data + static_cast<std::size_t>(row) * static_cast<std::size_t>(columns);
  }
  SLUICE_HOST_DEVICE Rows Picture(std::int32_t index) const {
    return {data + static_cast<std::ptrdiff_t>(index) * columns * count, columns, count};
  }
};

}  // namespace sluice
