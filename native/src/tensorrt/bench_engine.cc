#include "tensorrt/bench_engine.h"

#include <chrono>
#include <memory>
#include <vector>

namespace sluice::tensorrt {
namespace {

using Clock = std::chrono::steady_clock;

/** Batches that a lane has enqueued ahead, so that the GPU never waits for the host. */
constexpr std::size_t kAhead = 4;

/** A lane with a stream of its own and the ends of its last batches. */
struct Runner {
  Runner(std::shared_ptr<Engine> engine, const PoolSpec<ExecutionLane>& spec)
      : lane(std::move(engine), spec.lane) {
    for (std::size_t i = 0; i < kAhead; i++) ends.emplace_back(cuda::Event::Use::kWaiting);
  }

  void Enqueue(std::int32_t batch) {
    cuda::Event& end = ends[next++ % kAhead];
    end.Synchronize();
    lane.Enqueue(batch, stream.get());
    end.Record(stream.get());
  }

  ExecutionLane lane;
  cuda::Stream stream;
  std::vector<cuda::Event> ends;
  std::size_t next = 0;
};

}  // namespace

EngineThroughput BenchEngine(const PoolSpec<ExecutionLane>& spec, std::int32_t batch, std::int32_t lanes,
                             double seconds) {
  SLUICE_CUDA(cudaSetDevice(spec.engine.device));
  const std::shared_ptr<Engine> engine = Engine::Load(spec.engine);
  std::vector<std::unique_ptr<Runner>> runners;
  for (std::int32_t i = 0; i < lanes; i++) runners.push_back(std::make_unique<Runner>(engine, spec));
  const auto run = [&](double most) {
    const Clock::time_point start = Clock::now();
    std::int64_t batches = 0;
    double elapsed = 0;
    while (elapsed < most) {
      for (const auto& runner : runners) runner->Enqueue(batch);
      batches += static_cast<std::int64_t>(runners.size());
      elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    }
    for (const auto& runner : runners) runner->stream.Synchronize();
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    return EngineThroughput{static_cast<double>(batches) * batch / elapsed, elapsed * 1000 * lanes / static_cast<double>(batches)};
  };
  run(seconds / 4);
  return run(seconds);
}

}  // namespace sluice::tensorrt
