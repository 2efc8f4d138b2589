#pragma once

#include <cstdint>

#include "cuda/detections.h"
#include "cuda/nms.cuh"
#include "cuda/sort_keys.cuh"
#include "params/detection_row.h"

namespace sluice::cuda {

/** Whether the score of a head is one value, so that many can be asked for at a time. Heads' files say so. */
template <typename Head>
constexpr bool kReadsOnce = false;

/** Where the candidates of one picture that score are kept, in any order. */
struct CandidateList {
  /** Room for as many as the head has. Unused where the block that decodes the picture looks for them itself. */
  std::uint64_t* keys;
  /** By candidate: the class of those that score. */
  std::uint16_t* labels;
  unsigned* count;
};

/** What a block knows of its picture's request: a copy in shared memory, as the memory of the host is far away. */
struct SharedRequest {
  DetectionRequest request;
  float floor;

  /** The first threads copy the request and its classes into `classes`, which has kClassWords. Ends with a barrier. */
  __device__ void Load(const DetectionRequest& from, std::uint32_t* classes) {
    if (threadIdx.x == 0) {
      request = from;
      floor = ScoreFloor(from.score_threshold);
    }
    __syncthreads();
    const std::uint32_t* wanted = request.classes;
    if (wanted != nullptr) {
      for (int word = threadIdx.x; word < request.class_words; word += blockDim.x) classes[word] = wanted[word];
      __syncthreads();
      if (threadIdx.x == 0) request.classes = classes;
      __syncthreads();
    }
  }

  __device__ bool Wants(std::int32_t label) const {
    return sluice::Wants(request.classes, request.class_words, label);
  }
};

/** The candidates of a picture as the block finds them, looking at all of the outputs each time. */
template <typename Head>
struct BlockScan {
  const Head& head;
  const SharedRequest& request;
  std::uint16_t* labels;

  /** Calls body(key) for each, each thread for some. */
  template <typename Body>
  __device__ void ForEach(Body body) const {
    // Loads that wait for one another would take most of the time.
    constexpr int kLoads = kReadsOnce<Head> ? 8 : 1;
    const std::uint32_t count = head.candidates();
    const float floor = request.floor;
    for (std::uint32_t begin = threadIdx.x; begin < count; begin += kLoads * kNmsThreads) {
      HeadScore scores[kLoads];
      bool above[kLoads];
#pragma unroll
      for (int i = 0; i < kLoads; i++) {
        const std::uint32_t candidate = min(begin + kNmsThreads * i, count - 1);
        above[i] = head.Score(candidate, floor, &scores[i]);
      }
#pragma unroll
      for (int i = 0; i < kLoads; i++) {
        const std::uint32_t candidate = begin + kNmsThreads * i;
        if (candidate >= count || !above[i] || !request.Wants(scores[i].label)) continue;
        labels[candidate] = static_cast<std::uint16_t>(scores[i].label);
        body(CandidateKey(scores[i].score, candidate));
      }
    }
  }
};

/** The candidates that a scan of the grid has found. */
struct ListScan {
  const std::uint64_t* keys;
  unsigned count;

  template <typename Body>
  __device__ void ForEach(Body body) const {
    for (unsigned i = threadIdx.x; i < count; i += kNmsThreads) body(keys[i]);
  }
};

constexpr int kScanThreads = 1024;

/** Looks at each candidate of each picture: blocks of candidates by pictures. The counts of the lists are 0 before. */
template <typename Head, typename Lists>
__global__ void __launch_bounds__(kScanThreads)
    ScanKernel(const Head first, const DetectionRequest* requests, const Lists lists) {
  __shared__ SharedRequest request;
  __shared__ std::uint32_t classes[kClassWords];
  const int picture = blockIdx.y;
  request.Load(requests[picture], classes);
  if (request.request.max_detections <= 0) return;
  const Head head = first.Picture(picture);
  const CandidateList list = lists.Of(picture);
  const std::uint32_t candidate = blockIdx.x * kScanThreads + threadIdx.x;
  HeadScore score;
  const bool found = candidate < head.candidates() && head.Score(candidate, request.floor, &score) &&
                     request.Wants(score.label);
  // One atomic addition a warp.
  const unsigned mask = __ballot_sync(0xffffffffu, found);
  if (mask == 0) return;
  const unsigned lane = threadIdx.x % 32;
  unsigned begin = 0;
  if (lane == 0) begin = atomicAdd(list.count, static_cast<unsigned>(__popc(mask)));
  begin = __shfl_sync(0xffffffffu, begin, 0);
  if (!found) return;
  list.keys[begin + __popc(mask & ((1u << lane) - 1))] = CandidateKey(score.score, candidate);
  list.labels[candidate] = static_cast<std::uint16_t>(score.label);
}

}  // namespace sluice::cuda
