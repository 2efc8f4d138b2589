#pragma once

#include <cstddef>
#include <cstdint>

#include "params/host_device.h"

namespace sluice {

/** An output that is a table, for one picture of a batch: row after row of `columns` floats. */
struct Table {
  const float* data = nullptr;
  std::int32_t columns = 0;
  std::uint32_t rows = 0;

  SLUICE_HOST_DEVICE const float* operator[](std::uint32_t row) const {
    return data + static_cast<std::size_t>(row) * static_cast<std::size_t>(columns);
  }
  SLUICE_HOST_DEVICE Table Picture(std::int32_t index) const {
    return {data + static_cast<std::size_t>(index) * rows * static_cast<std::size_t>(columns), columns, rows};
  }
};

}  // namespace sluice
