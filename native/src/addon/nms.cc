#include "cpu/nms.h"

#include <cstring>
#include <vector>

#include "addon/argument.h"
#include "addon/operators.h"
#include "params/check.h"

namespace sluice::addon {
namespace {

constexpr std::size_t kColumns = 6;
static_assert(sizeof(Box) == kColumns * sizeof(float), "rows are read as boxes");

}  // namespace

Napi::Value Nms(const Napi::CallbackInfo& info) {
  const NmsParams params = Argument(info[1], "options").NmsOptions();
  const FloatView rows = ConstView(Argument(info[0], "boxes").Floats());
  if (rows.length % kColumns != 0) Refuse("boxes has ", rows.length, " values; rows have ", kColumns);
  std::vector<Box> boxes(rows.length / kColumns);
  if (!boxes.empty()) std::memcpy(boxes.data(), rows.data, rows.length * sizeof(float));

  const std::vector<std::uint32_t> kept = sluice::Nms(boxes.data(), boxes.size(), params);
  Napi::Uint32Array result = Napi::Uint32Array::New(info.Env(), kept.size());
  if (!kept.empty()) std::memcpy(result.Data(), kept.data(), kept.size() * sizeof(std::uint32_t));
  return result;
}

}  // namespace sluice::addon
