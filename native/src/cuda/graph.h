#pragma once

#include <utility>

#include "cuda/check.h"

namespace sluice::cuda {

/** Work that was captured once and is launched as a whole. Move-only; empty until captured. */
class Graph {
 public:
  Graph() = default;
  Graph(Graph&& other) noexcept : exec_(std::exchange(other.exec_, nullptr)) {}
  Graph& operator=(Graph&& other) noexcept {
    std::swap(exec_, other.exec_);
    return *this;
  }
  ~Graph() {
    if (exec_ != nullptr) CheckQuietly(cudaGraphExecDestroy(exec_), "cudaGraphExecDestroy");
  }

  explicit operator bool() const { return exec_ != nullptr; }

  /** Records what `enqueue(stream)` enqueues instead of running it. False, and no graph, when it cannot be recorded. */
  template <typename Enqueue>
  static std::pair<bool, Graph> Capture(cudaStream_t stream, Enqueue enqueue) {
    Graph result;
    // Other threads go on allocating meanwhile.
    SLUICE_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    const bool enqueued = enqueue(stream);
    cudaGraph_t graph = nullptr;
    const cudaError_t ended = cudaStreamEndCapture(stream, &graph);
    const bool captured = enqueued && ended == cudaSuccess && graph != nullptr &&
                          cudaGraphInstantiateWithFlags(&result.exec_, graph, 0) == cudaSuccess;
    if (graph != nullptr) CheckQuietly(cudaGraphDestroy(graph), "cudaGraphDestroy");
    if (!captured) {
      result.exec_ = nullptr;
      cudaGetLastError();
    }
    return {captured, std::move(result)};
  }

  void Launch(cudaStream_t stream) const { SLUICE_CUDA(cudaGraphLaunch(exec_, stream)); }

 private:
  cudaGraphExec_t exec_ = nullptr;
};

}  // namespace sluice::cuda
