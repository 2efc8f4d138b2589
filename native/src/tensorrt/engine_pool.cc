#include "tensorrt/engine_pool.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace sluice::tensorrt {
namespace {

/** The one box of state that the process shares. */
struct Pools {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<EnginePool>> by_key;
};

Pools& ProcessPools() {
  // Never destroyed: threads may outlive static objects.
  static Pools* const pools = new Pools;
  return *pools;
}

}  // namespace

std::string PoolSpec::Key() const {
  return engine.Key() + '\n' + std::to_string(max_batch) + 'x' + ShapeText(row_shape) + '\n' +
         std::to_string(execution_contexts) + (cuda_graphs ? "g" : "");
}

std::shared_ptr<EnginePool> EnginePool::Join(const PoolSpec& spec) {
  Pools& pools = ProcessPools();
  // Held while the engine loads: the instances of a model start together and must not load it twice.
  const std::lock_guard<std::mutex> lock(pools.mutex);
  std::weak_ptr<EnginePool>& known = pools.by_key[spec.Key()];
  std::shared_ptr<EnginePool> pool = known.lock();
  if (pool == nullptr) {
    for (auto entry = pools.by_key.begin(); entry != pools.by_key.end();) {
      const bool gone = entry->second.expired() && &entry->second != &known;
      entry = gone ? pools.by_key.erase(entry) : std::next(entry);
    }
    pool = std::make_shared<EnginePool>(spec);
    known = pool;
  }
  return pool;
}

EnginePool::EnginePool(const PoolSpec& spec) : spec_(spec), engine_(Engine::Load(spec.engine)) {}

void EnginePool::AddInstance() {
  const std::lock_guard<std::mutex> lock(mutex_);
  instances_ += 1;
  const std::int32_t wanted = std::min(instances_, spec_.execution_contexts);
  if (static_cast<std::int32_t>(lanes_.size()) >= wanted) return;
  lanes_.push_back(std::make_unique<ExecutionLane>(engine_, spec_.max_batch, spec_.row_shape, spec_.cuda_graphs));
}

void EnginePool::RemoveInstance() {
  const std::lock_guard<std::mutex> lock(mutex_);
  instances_ -= 1;
}

EnginePool::Lease EnginePool::Take() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (const auto& lane : lanes_) {
    std::unique_lock<std::mutex> turn(lane->mutex(), std::try_to_lock);
    if (turn.owns_lock() && lane->free().Passed()) return {*lane, std::move(turn)};
  }
  // All are busy: queue behind one on the device, in turn.
  ExecutionLane& lane = *lanes_[next_++ % lanes_.size()];
  lock.unlock();
  return {lane, std::unique_lock<std::mutex>(lane.mutex())};
}

std::string EnginePool::graph_refusal() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return lanes_.empty() ? "" : lanes_.front()->graph_refusal();
}

}  // namespace sluice::tensorrt
