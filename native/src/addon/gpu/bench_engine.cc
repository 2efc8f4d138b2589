#include "tensorrt/bench_engine.h"

#include "addon/argument.h"
#include "addon/gpu/functions.h"

namespace sluice::addon::gpu {

Napi::Value BenchEngine(const Napi::CallbackInfo& info) {
  const Argument spec(info[0], "spec");
  const std::int32_t batch = spec.Field("batch").Int32();
  tensorrt::PoolSpec<tensorrt::ExecutionLane> pool;
  pool.engine.plan_file = spec.Field("planFile").Text();
  pool.engine.device = spec.Field("device").Int32();
  pool.lane.max_batch = batch;
  pool.lane.row_shape = {3, spec.Field("height").Int32(), spec.Field("width").Int32()};
  pool.execution_contexts = spec.Field("contexts").Int32();
  pool.lane.cuda_graphs = spec.Field("graph").Boolean();
  const tensorrt::EngineThroughput done =
      tensorrt::BenchEngine(pool, batch, pool.execution_contexts, spec.Field("seconds").Number());
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("picturesPerSecond", done.pictures_per_second);
  result.Set("millisecondsPerBatch", done.milliseconds_per_batch);
  return result;
}

}  // namespace sluice::addon::gpu
