#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "params/class_map.h"

namespace sluice::cuda {

/** One picture of a batch. */
struct ClassMapRow {
  Affine to_cells;
  std::int32_t width;
  std::int32_t height;
  /** Device memory of width x height bytes each; `probabilities` may be null. */
  std::uint8_t* labels;
  std::uint8_t* probabilities;
  /** Device memory: the pixels of each of MapClasses, which begin at 0. */
  std::uint32_t* counts;
};

/** What the pictures of a batch share. */
struct ClassMapBatch {
  /** Of the first picture; those of the others follow. */
  ClassScores scores;
  /** `count` rows, in memory that the device can read. */
  const ClassMapRow* rows;
  int count;
  /** The largest of the pictures. */
  std::int32_t most_width;
  std::int32_t most_height;
  /** Device memory of count x cells. */
  CellClass* scratch;
};

/** sluice::DecodeClassMap for a whole batch. The same bytes. */
void LaunchDecodeClassMap(const ClassMapBatch& batch, cudaStream_t stream);

}  // namespace sluice::cuda
