#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "params/any_head.h"
#include "params/detection_spec.h"
#include "params/nms_params.h"

namespace sluice::cuda {

/** Where candidates are looked for. */
enum class Scan {
  /** Where it is quicker. */
  kAny,
  /** In the block that decodes the picture: one launch in all, for heads of few candidates. */
  kInBlock,
  /** All over the device, in a launch of its own. */
  kOnGrid,
};

/** What the pictures of a batch share. */
struct DetectionBatch {
  NmsRule rule;
  bool class_agnostic;
  /** `count` requests, in memory that the device can read, as their classes are. Their thresholds are finite. */
  const DetectionRequest* requests;
  int count;
  /** Rows of `out` a picture has; no request asks for more. */
  std::int32_t capacity;
  /** count x capacity x columns floats, in memory that the device can write. Only rows that stay are written. */
  float* out;
  /** `count` numbers of rows, in memory that the device can write. */
  std::int32_t* counts;
  /** Device memory of DetectionScratchBytes. */
  void* scratch;
  Scan scan = Scan::kAny;
};

std::size_t DetectionScratchBytes(const AnyHead& head, int count);

/** sluice::DecodeDetections for a whole batch, on a head of its first picture: the same rows in the same order. */
void LaunchDetections(const AnyHead& head, const DetectionBatch& batch, cudaStream_t stream);

/** The same for one kind of head; each is compiled in a file of heads/. */
template <typename Head>
void LaunchHead(const Head& head, const DetectionBatch& batch, cudaStream_t stream);
template <typename Head>
std::size_t HeadScratchBytes(const Head& head, int count);

}  // namespace sluice::cuda
