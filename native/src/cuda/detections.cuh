#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cuda/check.h"
#include "cuda/detection_scan.cuh"
#include "cuda/detections.h"
#include "cuda/nms.cuh"
#include "cuda/sort_keys.cuh"
#include "params/detection_row.h"

namespace sluice::cuda {

/** Candidates up to which the block that decodes a picture looks for them itself. */
template <typename Head>
constexpr std::uint32_t kInBlockCandidates = kReadsOnce<Head> ? 65536 : 2048;

/** Floats of rows that are written at a time. */
constexpr int kRowFloats = kMaxColumns;
constexpr int kDigits = 256;

/** What suppresses one another, or nothing at all. */
template <typename Head>
using BoxOf = std::conditional_t<Head::kSuppression == Suppression::kRotated, RotatedBox, EdgeBox>;

__device__ inline void MakeBox(const HeadBox& box, float label, EdgeBox* made) {
  *made = {box.left, box.top, box.right, box.bottom, label};
}
__device__ inline void MakeBox(const HeadBox& box, float label, RotatedBox* made) { *made = Spread(box, label); }

/** Device memory of a batch: for each picture its list, and boxes for the best of its candidates. */
template <typename Head>
struct DetectionScratch {
  std::uint64_t* keys;
  BoxOf<Head>* boxes;
  unsigned* counts;
  std::uint16_t* labels;
  std::size_t candidates;

  static std::size_t Bytes(std::size_t candidates, std::size_t pictures) {
    return pictures * (candidates * (sizeof(std::uint64_t) + sizeof(std::uint16_t)) +
                       kMaxCandidates * sizeof(BoxOf<Head>) + sizeof(unsigned));
  }

  DetectionScratch(void* memory, std::size_t candidate_count, std::size_t pictures) : candidates(candidate_count) {
    keys = static_cast<std::uint64_t*>(memory);
    boxes = reinterpret_cast<BoxOf<Head>*>(keys + pictures * candidates);
    counts = reinterpret_cast<unsigned*>(boxes + pictures * kMaxCandidates);
    labels = reinterpret_cast<std::uint16_t*>(counts + pictures);
  }

  __device__ CandidateList Of(std::size_t picture) const {
    return {keys + picture * candidates, labels + picture * candidates, counts + picture};
  }
};

template <typename Head>
struct DetectionShared {
  std::uint64_t keys[kMaxCandidates];
  NmsScratch<BoxOf<Head>, kMaxCandidates> nms;
  /** For each candidate, whether its row fits floats. */
  unsigned fits[kMaxCandidates / 32];
  union {
    /** Until the candidates are found. */
    std::uint32_t classes[kClassWords];
    /** From then on. */
    float rows[kRowFloats];
  };
  SharedRequest request;
  int count;
  /** For KeyOfLast: candidates by the digit that is looked for, and what is known so far. */
  int histogram[kDigits];
  std::uint64_t key;
  int wanted;
  bool found;
};

/** One picture, and the block that decodes it. */
template <typename Head>
struct Decoder {
  const Head& head;
  const std::uint16_t* labels;
  DetectionShared<Head>& shared;

  __device__ HeadScore Score(std::uint64_t key) const { return {ScoreOf(key), labels[IndexOf(key)]}; }

  __device__ bool Finite(std::uint64_t key) const {
    const auto candidate = Open(head, IndexOf(key));
    return IsFinite(head.layout(), candidate, ScoreOf(key), candidate.Box());
  }

  /**
   * The key of the last of the best kMaxCandidates that are finite, or kLastKey where there are not that many: found
   * eight bits at a time. Goes through all candidates up to eight times, which only pictures full of them have to pay.
   */
  template <typename Source>
  __device__ std::uint64_t KeyOfLast(const Source& source) const {
    int* histogram = shared.histogram;
    if (threadIdx.x == 0) {
      shared.key = 0;
      shared.wanted = kMaxCandidates;
      shared.found = false;
    }
    for (int shift = 56; shift >= 0; shift -= 8) {
      __syncthreads();
      if (shared.found) break;
      const std::uint64_t prefix = shared.key;
      for (int i = threadIdx.x; i < kDigits; i += kNmsThreads) histogram[i] = 0;
      __syncthreads();
      source.ForEach([&](std::uint64_t key) {
        const bool same = (key ^ prefix) >> shift >> 8 == 0;
        if (same && Finite(key)) atomicAdd(&histogram[key >> shift & (kDigits - 1)], 1);
      });
      __syncthreads();
      if (threadIdx.x == 0) {
        int digit = 0;
        int wanted = shared.wanted;
        while (digit < kDigits && histogram[digit] < wanted) wanted -= histogram[digit++];
        shared.wanted = wanted;
        // Only the first digit can run out of candidates: then all are wanted. Where all of a digit are wanted, so are
        // all keys that begin like them.
        const bool all = digit == kDigits;
        shared.found = all || histogram[digit] == wanted;
        shared.key = all ? kLastKey : prefix | std::uint64_t(digit) << shift;
        if (shared.found && !all) shared.key |= (std::uint64_t{1} << shift) - 1;
      }
    }
    __syncthreads();
    return shared.key;
  }

  /** Puts the keys of the candidates into shared.keys, in any order, and returns their number. */
  template <typename Source>
  __device__ int Collect(const Source& source) const {
    source.ForEach([&](std::uint64_t key) {
      const int slot = atomicAdd(&shared.count, 1);
      if (slot < kMaxCandidates) shared.keys[slot] = key;
    });
    __syncthreads();
    const int above = shared.count;
    if (above <= kMaxCandidates) return above;

    const std::uint64_t last = KeyOfLast(source);
    if (threadIdx.x == 0) shared.count = 0;
    __syncthreads();
    source.ForEach([&](std::uint64_t key) {
      if (key <= last && Finite(key)) shared.keys[atomicAdd(&shared.count, 1)] = key;
    });
    __syncthreads();
    return shared.count;
  }

  /** Sorts the candidates, leaves out those that are not finite and returns the number of the others. */
  __device__ int Sort(int count) const {
    __syncthreads();
    if (threadIdx.x == 0) shared.count = count;
    __syncthreads();
    for (int i = threadIdx.x; i < count; i += kNmsThreads) {
      if (Finite(shared.keys[i])) continue;
      shared.keys[i] = kLastKey;
      atomicSub(&shared.count, 1);
    }
    SortKeys(shared.keys, count);
    return shared.count;
  }

  /** Writes the boxes of the sorted candidates, and which of them can be mapped. */
  __device__ void DecodeBoxes(int count, bool class_agnostic, BoxOf<Head>* boxes) const {
    const int rounded = (count + 31) / 32 * 32;
    for (int i = threadIdx.x; i < rounded; i += kNmsThreads) {
      bool fits = false;
      if (i < count) {
        const std::uint64_t key = shared.keys[i];
        const auto candidate = Open(head, IndexOf(key));
        const HeadBox box = candidate.Box();
        const HeadScore score = Score(key);
        fits = MapRow<Head::kSuppression>(head.layout(), candidate, score, box, shared.request.request.matrix,
                                          [](std::int32_t, float) {});
        if (Head::kSuppression != Suppression::kNone) {
          MakeBox(box, class_agnostic ? 0 : static_cast<float>(score.label), boxes + i);
        }
      }
      const unsigned mask = __ballot_sync(0xffffffffu, fits);
      if (threadIdx.x % 32 == 0) shared.fits[i / 32] = mask;
    }
    __syncthreads();
  }

  /** Moves the keys of the candidates that stay to the front and returns their number, at most `limit`. */
  __device__ int Suppress(const BoxOf<Head>* boxes, int count, NmsRule rule, int limit) const {
    int kept = 0;
    const auto on_tile = [&](int first, unsigned stay) {
      stay &= shared.fits[first / 32];
      if (threadIdx.x < 32) {
        // The places lie before those that are still to be read.
        const std::uint64_t key = shared.keys[first + threadIdx.x];
        const int place = kept + __popc(stay & ((1u << threadIdx.x) - 1));
        __syncwarp();
        if (stay >> threadIdx.x & 1) shared.keys[place] = key;
      }
      kept += __popc(stay);
      return kept < limit;
    };
    if constexpr (Head::kSuppression == Suppression::kNone) {
      for (int first = 0; first < count; first += 32) {
        if (!on_tile(first, 0xffffffffu >> (32 - min(32, count - first)))) break;
      }
    } else {
      SuppressSorted(boxes, count, rule, shared.request.request.nms_threshold, shared.nms, on_tile);
    }
    __syncthreads();
    return min(kept, limit);
  }

  /** Maps the candidates and writes their rows in whole lines, as memory of the host wants it. */
  __device__ void WriteRows(int count, float* out) const {
    const int columns = head.layout().columns();
    const int chunk = kRowFloats / columns;
    for (int begin = 0; begin < count; begin += chunk) {
      const int rows = min(chunk, count - begin);
      for (int i = threadIdx.x; i < rows; i += kNmsThreads) {
        const std::uint64_t key = shared.keys[begin + i];
        float* row = shared.rows + i * columns;
        const auto candidate = Open(head, IndexOf(key));
        MapRow<Head::kSuppression>(head.layout(), candidate, Score(key), candidate.Box(),
                                   shared.request.request.matrix,
                                   [row](std::int32_t column, float value) { row[column] = value; });
      }
      __syncthreads();
      for (int i = threadIdx.x; i < rows * columns; i += kNmsThreads) {
        out[static_cast<std::size_t>(begin) * columns + i] = shared.rows[i];
      }
      __syncthreads();
    }
  }
};

/** One block a picture. */
template <typename Head, bool in_block>
__global__ void __launch_bounds__(kNmsThreads)
    DecodeKernel(const Head first, const DetectionBatch batch, const DetectionScratch<Head> scratch) {
  __shared__ DetectionShared<Head> shared;
  const std::size_t index = blockIdx.x;
  if (threadIdx.x == 0) shared.count = 0;
  shared.request.Load(batch.requests[index], shared.classes);
  const int limit = min(shared.request.request.max_detections, batch.capacity);
  int written = 0;
  if (limit > 0) {
    const Head head = first.Picture(static_cast<std::int32_t>(index));
    const CandidateList list = scratch.Of(index);
    const Decoder<Head> decoder{head, list.labels, shared};
    int count;
    if constexpr (in_block) {
      count = decoder.Collect(BlockScan<Head>{head, shared.request, list.labels});
    } else {
      count = decoder.Collect(ListScan{list.keys, *list.count});
    }
    BoxOf<Head>* boxes = scratch.boxes + index * kMaxCandidates;
    count = decoder.Sort(count);
    decoder.DecodeBoxes(count, batch.class_agnostic, boxes);
    written = decoder.Suppress(boxes, count, batch.rule, limit);
    decoder.WriteRows(written, batch.out + index * batch.capacity * head.layout().columns());
  }
  if (threadIdx.x == 0) batch.counts[index] = written;
}

template <typename Head>
std::size_t HeadScratchBytes(const Head& head, int count) {
  return DetectionScratch<Head>::Bytes(head.candidates(), static_cast<std::size_t>(count));
}

template <typename Head>
void LaunchHead(const Head& head, const DetectionBatch& batch, cudaStream_t stream) {
  const auto pictures = static_cast<unsigned>(batch.count);
  const DetectionScratch<Head> scratch(batch.scratch, head.candidates(), pictures);
  const bool few = head.candidates() <= kInBlockCandidates<Head>;
  if (batch.scan == Scan::kInBlock || (batch.scan == Scan::kAny && few)) {
    DecodeKernel<Head, true><<<pictures, kNmsThreads, 0, stream>>>(head, batch, scratch);
  } else {
    SLUICE_CUDA(cudaMemsetAsync(scratch.counts, 0, pictures * sizeof(unsigned), stream));
    const dim3 grid((head.candidates() + kScanThreads - 1) / kScanThreads, pictures);
    ScanKernel<<<grid, kScanThreads, 0, stream>>>(head, batch.requests, scratch);
    Check(cudaGetLastError(), "LaunchHead, scan");
    DecodeKernel<Head, false><<<pictures, kNmsThreads, 0, stream>>>(head, batch, scratch);
  }
  Check(cudaGetLastError(), "LaunchHead");
}

/** Compiles the kernels of a head. */
#define SLUICE_INSTANTIATE_HEAD(Head)                                                          \
  template std::size_t sluice::cuda::HeadScratchBytes<Head>(const Head&, int);                 \
  template void sluice::cuda::LaunchHead<Head>(const Head&, const DetectionBatch&, cudaStream_t)

}  // namespace sluice::cuda
