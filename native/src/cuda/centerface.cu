#include <cstdint>

#include "cuda/centerface.h"
#include "cuda/check.h"
#include "cuda/nms.cuh"
#include "cuda/sort_keys.cuh"
#include "params/centerface_face.h"

namespace sluice::cuda {
namespace {

constexpr int kMax = kCenterFaceMaxCandidates;
/** Faces that are written at a time. */
constexpr int kChunk = 128;
constexpr int kDigits = 256;

struct SharedMemory {
  std::uint64_t keys[kMax];
  NmsScratch<kMax> nms;
  /** For each candidate, whether its row fits floats. */
  unsigned fits[kMax / 32];
  float rows[kChunk * kCenterFaceColumns];
  CenterFaceRow request;
  int count;
  /** For KeyOfLast: candidates by the digit that is looked for, and what is known so far. */
  int histogram[kDigits];
  std::uint64_t key;
  int wanted;
  bool found;
};

/** One picture's maps. */
struct Picture {
  const float* heat;
  CenterFaceCells maps;

  __device__ Face Decode(std::uint32_t cell) const { return DecodeCell(maps, cell, heat[cell]); }
};

/** Calls body(cell, score) for each cell whose score is above `floor`, each thread for some. */
template <typename Body>
__device__ void ForEachAbove(const Picture& picture, float floor, Body body) {
  // Loads that wait for one another would take most of the time.
  constexpr int kLoads = 8;
  const std::size_t cells = picture.maps.cells;
  for (std::size_t begin = threadIdx.x; begin < cells; begin += std::size_t{kLoads} * kNmsThreads) {
    float scores[kLoads];
#pragma unroll
    for (int i = 0; i < kLoads; i++) {
      const std::size_t cell = begin + std::size_t{kNmsThreads} * i;
      scores[i] = cell < cells ? __ldg(picture.heat + cell) : floor;
    }
#pragma unroll
    for (int i = 0; i < kLoads; i++) {
      // Also false for a score that is not a number.
      if (scores[i] > floor) body(static_cast<std::uint32_t>(begin + std::size_t{kNmsThreads} * i), scores[i]);
    }
  }
}

/**
 * The key of the last of the best kMax candidates whose faces are finite, or kLastKey where there are not that many:
 * found eight bits at a time. Reads all maps up to eight times, which only pictures full of candidates have to pay.
 */
__device__ std::uint64_t KeyOfLast(const Picture& picture, float floor, SharedMemory& shared) {
  int* histogram = shared.histogram;
  if (threadIdx.x == 0) {
    shared.key = 0;
    shared.wanted = kMax;
    shared.found = false;
  }
  for (int shift = 56; shift >= 0; shift -= 8) {
    __syncthreads();
    if (shared.found) break;
    const std::uint64_t prefix = shared.key;
    for (int i = threadIdx.x; i < kDigits; i += kNmsThreads) histogram[i] = 0;
    __syncthreads();
    ForEachAbove(picture, floor, [&](std::uint32_t cell, float score) {
      const std::uint64_t key = CandidateKey(score, cell);
      const bool same = (key ^ prefix) >> shift >> 8 == 0;
      if (same && IsFinite(picture.Decode(cell))) atomicAdd(&histogram[key >> shift & (kDigits - 1)], 1);
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
__device__ int Collect(const Picture& picture, double threshold, SharedMemory& shared) {
  // A float is above a double exactly when it is above the next float below that.
  const float floor = __double2float_rd(threshold);
  ForEachAbove(picture, floor, [&](std::uint32_t cell, float score) {
    const int slot = atomicAdd(&shared.count, 1);
    if (slot < kMax) shared.keys[slot] = CandidateKey(score, cell);
  });
  __syncthreads();
  const int above = shared.count;
  if (above <= kMax) return above;

  const std::uint64_t last = KeyOfLast(picture, floor, shared);
  if (threadIdx.x == 0) shared.count = 0;
  __syncthreads();
  ForEachAbove(picture, floor, [&](std::uint32_t cell, float score) {
    const std::uint64_t key = CandidateKey(score, cell);
    if (key <= last && IsFinite(picture.Decode(cell))) shared.keys[atomicAdd(&shared.count, 1)] = key;
  });
  __syncthreads();
  return shared.count;
}

/** Sorts the candidates, leaves out those that are not finite and returns the number of the others. */
__device__ int Sort(const Picture& picture, int count, SharedMemory& shared) {
  __syncthreads();
  if (threadIdx.x == 0) shared.count = count;
  __syncthreads();
  for (int i = threadIdx.x; i < count; i += kNmsThreads) {
    if (IsFinite(picture.Decode(CellOf(shared.keys[i])))) continue;
    shared.keys[i] = kLastKey;
    atomicSub(&shared.count, 1);
  }
  SortKeys(shared.keys, count);
  return shared.count;
}

/** Writes the boxes of the sorted candidates, and which of them can be mapped. */
__device__ void DecodeBoxes(const Picture& picture, int count, const Affine& matrix, NmsBox* boxes,
                            SharedMemory& shared) {
  const int rounded = (count + 31) / 32 * 32;
  for (int i = threadIdx.x; i < rounded; i += kNmsThreads) {
    bool fits = false;
    if (i < count) {
      const Face face = picture.Decode(CellOf(shared.keys[i]));
      boxes[i] = {face.left, face.top, face.right, face.bottom, 0};
      float row[kCenterFaceColumns];
      fits = MapFace(face, matrix, row);
    }
    const unsigned mask = __ballot_sync(0xffffffffu, fits);
    if (threadIdx.x % 32 == 0) shared.fits[i / 32] = mask;
  }
  __syncthreads();
}

/** Moves the keys of the faces that stay to the front and returns their number, at most `limit`. */
__device__ int Suppress(const NmsBox* boxes, int count, NmsRule rule, double iou_threshold, int limit,
                        SharedMemory& shared) {
  int kept = 0;
  SuppressSorted(boxes, count, rule, iou_threshold, shared.nms, [&](int first, unsigned stay) {
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
  });
  __syncthreads();
  return min(kept, limit);
}

/** Maps the faces and writes them in whole lines, as memory of the host wants it. */
__device__ void WriteRows(const Picture& picture, int count, const Affine& matrix, float* out, SharedMemory& shared) {
  for (int begin = 0; begin < count; begin += kChunk) {
    const int faces = min(kChunk, count - begin);
    if (threadIdx.x < faces) {
      float row[kCenterFaceColumns];
      MapFace(picture.Decode(CellOf(shared.keys[begin + threadIdx.x])), matrix, row);
#pragma unroll
      for (int column = 0; column < kCenterFaceColumns; column++) {
        shared.rows[threadIdx.x * kCenterFaceColumns + column] = row[column];
      }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < faces * kCenterFaceColumns; i += kNmsThreads) {
      out[begin * kCenterFaceColumns + i] = shared.rows[i];
    }
    __syncthreads();
  }
}

/** One block a picture. */
__global__ void __launch_bounds__(kNmsThreads) DecodeCenterFaceKernel(const CenterFaceBatch batch) {
  __shared__ SharedMemory shared;
  const std::size_t index = blockIdx.x;
  if (threadIdx.x == 0) {
    shared.request = batch.requests[index];
    shared.count = 0;
  }
  __syncthreads();
  const CenterFaceRow& request = shared.request;
  const int limit = min(request.max_detections, batch.capacity);
  int written = 0;
  if (limit > 0) {
    const std::size_t cells = static_cast<std::size_t>(batch.columns) * batch.rows;
    const Picture picture{batch.heat + index * cells,
                          {batch.scale + index * 2 * cells, batch.offset + index * 2 * cells,
                           batch.landmarks + index * 2 * kCenterFacePoints * cells, cells, batch.columns}};
    NmsBox* boxes = static_cast<NmsBox*>(batch.scratch) + index * kMax;
    const int count = Sort(picture, Collect(picture, request.score_threshold, shared), shared);
    DecodeBoxes(picture, count, request.matrix, boxes, shared);
    written = Suppress(boxes, count, batch.rule, request.nms_threshold, limit, shared);
    WriteRows(picture, written, request.matrix, batch.out + index * batch.capacity * kCenterFaceColumns, shared);
  }
  if (threadIdx.x == 0) batch.counts[index] = written;
}

}  // namespace

std::size_t CenterFaceScratchBytes(int count) { return static_cast<std::size_t>(count) * kMax * sizeof(NmsBox); }

void LaunchDecodeCenterFace(const CenterFaceBatch& batch, cudaStream_t stream) {
  if (batch.count == 0) return;
  DecodeCenterFaceKernel<<<batch.count, kNmsThreads, 0, stream>>>(batch);
  Check(cudaGetLastError(), "LaunchDecodeCenterFace");
}

}  // namespace sluice::cuda
