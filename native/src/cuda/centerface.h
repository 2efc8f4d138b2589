#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "params/centerface_params.h"

namespace sluice::cuda {

/** What one picture of a batch asks for. */
struct CenterFaceRow {
  /** Network input to picture. */
  Affine matrix;
  double score_threshold;
  double nms_threshold;
  /** 0: nothing is decoded. */
  std::int32_t max_detections;
};

/** What the pictures of a batch share. */
struct CenterFaceBatch {
  /** Device memory, each `count` x planes x rows x columns floats. */
  const float* heat;
  const float* scale;
  const float* offset;
  const float* landmarks;
  /** Of the maps. */
  std::int32_t columns;
  std::int32_t rows;
  NmsRule rule;
  /** `count` requests, in memory that the device can read. */
  const CenterFaceRow* requests;
  int count;
  /** Rows of `out` a picture has; no request asks for more. */
  std::int32_t capacity;
  /** count x capacity x kCenterFaceColumns floats, in memory that the device can write. Only rows that stay are written. */
  float* out;
  /** `count` numbers of rows, in memory that the device can write. */
  std::int32_t* counts;
  /** Device memory of CenterFaceScratchBytes(count). */
  void* scratch;
};

std::size_t CenterFaceScratchBytes(int count);

/** sluice::DecodeCenterFace for a whole batch, decoding and suppression in one launch. The same rows in the same order. */
void LaunchDecodeCenterFace(const CenterFaceBatch& batch, cudaStream_t stream);

}  // namespace sluice::cuda
