#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tensorrt/engine.h"

namespace sluice::tensorrt {

/** What the instances of one model on one device share. */
template <typename Lane>
struct PoolSpec {
  EngineSource engine;
  /** Most lanes. */
  std::int32_t execution_contexts;
  typename Lane::Spec lane;

  std::string Key() const {
    return engine.Key() + '\n' + lane.Key() + '\n' + std::to_string(execution_contexts);
  }
};

/**
 * An engine with its lanes. There are as many lanes as instances, but no more than `execution_contexts`: two executions
 * overlap where one leaves the GPU idle, more of them only take memory. Any thread.
 *
 * A Lane is made of an engine and its Spec, and has a mutex and an event `free`: whoever holds the mutex may enqueue,
 * after waiting on its stream for `free`, and records `free` at the end of what it has enqueued.
 */
template <typename Lane>
class LanePool {
 public:
  /** A lane that is the caller's to enqueue on, for as long as the lease lives. */
  struct Lease {
    Lane& lane;
    std::unique_lock<std::mutex> lock;
  };

  /** The pool of that key, made when there is none yet; it goes with the last instance. Throws Error. */
  static std::shared_ptr<LanePool> Join(const PoolSpec<Lane>& spec);
  explicit LanePool(const PoolSpec<Lane>& spec) : spec_(spec), engine_(Engine::Load(spec.engine)) {}

  const Engine& engine() const { return *engine_; }

  /** To be called once by every instance; makes the lane that it adds. */
  void AddInstance();
  /** The instance is gone; its lane stays, for the others. */
  void RemoveInstance();

  /** A lane that nobody enqueues on now: if possible, one whose last execution has ended. */
  Lease Take();
  /** Of lanes that record CUDA graphs. */
  std::string graph_refusal();

 private:
  /** The one box of state that the process shares. */
  struct Pools {
    std::mutex mutex;
    std::map<std::string, std::weak_ptr<LanePool>> by_key;
  };

  static Pools& ProcessPools() {
    // Never destroyed: threads may outlive static objects.
    static Pools* const pools = new Pools;
    return *pools;
  }

  const PoolSpec<Lane> spec_;
  const std::shared_ptr<Engine> engine_;
  std::mutex mutex_;
  std::int32_t instances_ = 0;
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

template <typename Lane>
std::shared_ptr<LanePool<Lane>> LanePool<Lane>::Join(const PoolSpec<Lane>& spec) {
  Pools& pools = ProcessPools();
  // Held while the engine loads: the instances of a model start together and must not load it twice.
  const std::lock_guard<std::mutex> lock(pools.mutex);
  std::weak_ptr<LanePool>& known = pools.by_key[spec.Key()];
  std::shared_ptr<LanePool> pool = known.lock();
  if (pool == nullptr) {
    for (auto entry = pools.by_key.begin(); entry != pools.by_key.end();) {
      const bool gone = entry->second.expired() && &entry->second != &known;
      entry = gone ? pools.by_key.erase(entry) : std::next(entry);
    }
    pool = std::make_shared<LanePool>(spec);
    known = pool;
  }
  return pool;
}

template <typename Lane>
void LanePool<Lane>::AddInstance() {
  const std::lock_guard<std::mutex> lock(mutex_);
  instances_ += 1;
  const std::int32_t wanted = std::min(instances_, spec_.execution_contexts);
  if (static_cast<std::int32_t>(lanes_.size()) >= wanted) return;
  lanes_.push_back(std::make_unique<Lane>(engine_, spec_.lane));
}

template <typename Lane>
void LanePool<Lane>::RemoveInstance() {
  const std::lock_guard<std::mutex> lock(mutex_);
  instances_ -= 1;
}

template <typename Lane>
typename LanePool<Lane>::Lease LanePool<Lane>::Take() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (const auto& lane : lanes_) {
    std::unique_lock<std::mutex> turn(lane->mutex(), std::try_to_lock);
    if (turn.owns_lock() && lane->free().Passed()) return {*lane, std::move(turn)};
  }
  // All are busy: queue behind one on the device, in turn.
  Lane& lane = *lanes_[next_++ % lanes_.size()];
  lock.unlock();
  return {lane, std::unique_lock<std::mutex>(lane.mutex())};
}

template <typename Lane>
std::string LanePool<Lane>::graph_refusal() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return lanes_.empty() ? "" : lanes_.front()->graph_refusal();
}

}  // namespace sluice::tensorrt
