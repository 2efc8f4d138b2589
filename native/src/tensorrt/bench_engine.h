#pragma once

#include "tensorrt/execution_lane.h"

namespace sluice::tensorrt {

/** Throughput of an engine alone, nothing copied and nothing decoded: what a server can be measured against. */
struct EngineThroughput {
  double pictures_per_second;
  /** From one completed batch of a lane to its next. */
  double milliseconds_per_batch;
};

/** Runs batches of `batch` rows on `lanes` lanes at once for about `seconds`. Throws Error. */
EngineThroughput BenchEngine(const PoolSpec<ExecutionLane>& spec, std::int32_t batch, std::int32_t lanes, double seconds);

}  // namespace sluice::tensorrt
