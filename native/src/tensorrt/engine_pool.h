#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tensorrt/execution_lane.h"

namespace sluice::tensorrt {

/** What the instances of one model on one device share. */
struct PoolSpec {
  EngineSource engine;
  std::int32_t max_batch;
  /** CHW of pictures, or the most tokens of a text. */
  std::vector<std::int64_t> row_shape;
  /** Most lanes. */
  std::int32_t execution_contexts;
  bool cuda_graphs;

  std::string Key() const;
};

/**
 * An engine with its execution lanes. There are as many lanes as instances, but no more than `execution_contexts`: two
 * executions overlap where one leaves the GPU idle, more of them only take memory. Any thread.
 */
class EnginePool {
 public:
  /** A lane that is the caller's to enqueue on, for as long as the lease lives. */
  struct Lease {
    ExecutionLane& lane;
    std::unique_lock<std::mutex> lock;
  };

  /** The pool of that key, made when there is none yet; it goes with the last instance. Throws Error. */
  static std::shared_ptr<EnginePool> Join(const PoolSpec& spec);
  explicit EnginePool(const PoolSpec& spec);

  /** To be called once by every instance; makes the lane that it adds. */
  void AddInstance();
  /** The instance is gone; its lane stays, for the others. */
  void RemoveInstance();

  /** A lane that nobody enqueues on now: if possible, one whose last execution has ended. */
  Lease Take();
  std::string graph_refusal();

 private:
  const PoolSpec spec_;
  const std::shared_ptr<Engine> engine_;
  std::mutex mutex_;
  std::int32_t instances_ = 0;
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<ExecutionLane>> lanes_;
};

}  // namespace sluice::tensorrt
