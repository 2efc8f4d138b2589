#include "params/head_outputs.h"

#include "params/error.h"

namespace sluice {

std::string OutputText(const std::vector<std::int64_t>& dims) {
  std::string text = "[1";
  for (const std::int64_t dim : dims) text += "," + std::to_string(dim);
  return text + "]";
}

void RefuseOutputs(const DetectionSpec& spec, const std::string& expected, const std::vector<OutputShape>& outputs) {
  std::string found;
  for (const OutputShape& output : outputs) found += " " + OutputText(output.dims);
  throw Error(ErrorCode::kModelInvalid, "the outputs do not fit task " + spec.task + ": expected " + expected +
                                            ", found" + (found.empty() ? " none" : found));
}

void CheckClasses(const DetectionSpec& spec, std::int64_t classes) {
  const auto plural = [](std::int64_t count, const char* one, const char* many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
  };
  if (classes > kMaxClasses) {
    throw Error(ErrorCode::kModelInvalid,
                "the model tells " + std::to_string(classes) + " classes; " + std::to_string(kMaxClasses) + " is the most");
  }
  if (spec.labels == 0 || spec.labels == classes) return;
  throw Error(ErrorCode::kModelInvalid, "the labels file has " + plural(spec.labels, "line", "lines") +
                                            ", the model tells " + plural(classes, "class", "classes"));
}

int FindOutput(const std::vector<OutputShape>& outputs, std::size_t rank) {
  int found = -1;
  int named = -1;
  int count = 0;
  for (std::size_t i = 0; i < outputs.size(); i++) {
    if (outputs[i].dims.size() != rank) continue;
    count++;
    found = static_cast<int>(i);
    for (const char* name : {"output", "output0", "predictions", "detections"}) {
      if (outputs[i].name == name) named = found;
    }
  }
  return count == 1 ? found : named;
}

const std::vector<std::int32_t>& StridesOr(const DetectionSpec& spec, const std::vector<std::int32_t>& fallback) {
  return spec.strides.empty() ? fallback : spec.strides;
}

std::int64_t CellsOf(const DetectionSpec& spec, const std::vector<std::int32_t>& strides) {
  std::int64_t cells = 0;
  for (const std::int32_t stride : strides) {
    cells += std::int64_t{CellsOf(spec.width, stride)} * CellsOf(spec.height, stride);
  }
  return cells;
}

}  // namespace sluice
