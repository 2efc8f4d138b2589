#pragma once

#include <cuda_runtime_api.h>

#include "params/warp_normalize_params.h"

namespace sluice::cuda {

/** One row of a batch: a picture in device memory and how it is sampled. */
struct WarpRow {
  /** `source.data` is device memory that may be read up to 8 bytes beyond its end, as that of a DeviceBuffer. */
  PixelView source;
  Affine matrix;
  Window window;
  Border border;
  /** Which pixels of the network input are sampled; the others are the pad. */
  Window area;
};

/** What the rows of a batch share. */
struct WarpBatch {
  /** `count` rows, at most 65535, in memory that the device can read. */
  const WarpRow* rows;
  int count;
  /** Of a row's network input. */
  OutputLayout layout;
  /** Grey level, 0 to 255. */
  float pad;
  PlaneOrder order;
  LevelMap levels;
  /** Device memory: count x layout.length() floats. */
  float* out;
};

/**
 * sluice::WarpNormalize for a whole batch in one launch. Coordinates, weights and rounding are the CPU's: results are
 * equal to the bit. Arguments have been checked with CheckWarpNormalize.
 */
void LaunchWarpNormalize(const WarpBatch& batch, cudaStream_t stream);

}  // namespace sluice::cuda
