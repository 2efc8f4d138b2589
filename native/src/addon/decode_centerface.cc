#include "addon/argument.h"
#include "addon/operators.h"
#include "decoders/centerface.h"

namespace sluice::addon {

Napi::Value DecodeCenterFace(const Napi::CallbackInfo& info) {
  const Argument options(info[4], "options");
  CenterFaceParams params;
  params.columns = options.Field("columns").Int32();
  params.rows = options.Field("rows").Int32();
  params.score_threshold = options.Field("scoreThreshold").Number();
  params.nms = options.Field("nms").NmsOptions();
  params.max_detections = options.Field("maxDetections").Int32();
  params.matrix = options.Field("matrix").Matrix();

  const CenterFaceMaps maps{
      ConstView(Argument(info[0], "heat").Floats()),
      ConstView(Argument(info[1], "scale").Floats()),
      ConstView(Argument(info[2], "offset").Floats()),
      ConstView(Argument(info[3], "landmarks").Floats()),
  };
  const MutableFloatView out = View(Argument(info[5], "out").Floats());
  return Napi::Number::New(info.Env(), sluice::DecodeCenterFace(maps, params, out));
}

}  // namespace sluice::addon
