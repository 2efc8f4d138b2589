#include "addon/gpu/readers.h"

namespace sluice::addon::gpu {

tensorrt::EngineSource EngineOf(const Argument& spec) {
  tensorrt::EngineSource engine;
  engine.plan_file = spec.Field("planFile").Text();
  const Argument weights = spec.Field("weightsFile");
  if (!weights.IsNull()) engine.weights_file = weights.Text();
  engine.plugins = spec.Field("plugins").List([](const Argument& plugin) { return plugin.Text(); });
  engine.device = spec.Field("device").Int32();
  engine.version_compatible = spec.Field("versionCompatible").Boolean();
  return engine;
}

tensorrt::PoolSpec<tensorrt::ExecutionLane> PoolOf(const Argument& spec) {
  tensorrt::PoolSpec<tensorrt::ExecutionLane> pool;
  pool.engine = EngineOf(spec);
  pool.lane.max_batch = spec.Field("maxBatchSize").Int32();
  pool.execution_contexts = spec.Field("executionContexts").Int32();
  pool.lane.cuda_graphs = spec.Field("cudaGraphs").Boolean();
  return pool;
}

ClassificationSpec ClassificationSpecOf(const Argument& task) {
  return {task.Field("activation").Activation(), task.Field("labels").Int32()};
}

Napi::Object PhasesOf(Napi::Env env, const GpuPhases& phases) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("decode", phases.decode);
  result.Set("preprocess", phases.preprocess);
  result.Set("infer", phases.infer);
  result.Set("postprocess", phases.postprocess);
  return result;
}

}  // namespace sluice::addon::gpu
