#include "params/heads/output_roles.h"

#include <algorithm>
#include <optional>

#include "params/error.h"

namespace sluice {
namespace {

std::string DimsText(const std::vector<std::int64_t>& dims) {
  std::string text = "[";
  for (std::int64_t size : dims) {
    if (text.size() > 1) text += ",";
    text += size == kAnySize ? "?" : std::to_string(size);
  }
  return text + "]";
}

bool HasName(const OutputRole& role, const std::string& name) {
  return std::find(role.names.begin(), role.names.end(), name) != role.names.end();
}

bool HasDims(const OutputRole& role, const OutputShape& output) {
  const std::vector<std::int64_t> dims = output.dims.empty() ? std::vector<std::int64_t>{1} : output.dims;
  return std::equal(dims.begin(), dims.end(), role.dims.begin(), role.dims.end(),
                    [](std::int64_t size, std::int64_t wanted) {
                      return wanted == kAnySize ? size > 0 : size == wanted;
                    });
}

std::optional<std::size_t> IndexOf(const std::vector<OutputShape>& shapes, const OutputRole& role,
                                   const std::vector<OutputRole>& roles, std::vector<bool>* taken) {
  const auto take = [&](std::size_t index) {
    (*taken)[index] = true;
    return index;
  };
  for (std::size_t i = 0; i < shapes.size(); i++) {
    if ((*taken)[i] || !HasName(role, shapes[i].name)) continue;
    return HasDims(role, shapes[i]) ? std::optional(take(i)) : std::nullopt;
  }
  for (std::size_t i = 0; i < shapes.size(); i++) {
    if ((*taken)[i] || !HasDims(role, shapes[i])) continue;
    const bool named = std::any_of(roles.begin(), roles.end(),
                                   [&](const OutputRole& other) { return HasName(other, shapes[i].name); });
    if (!named) return take(i);
  }
  return std::nullopt;
}

}  // namespace

void RefuseOutputs(const DetectionSpec& spec, const std::vector<OutputShape>& shapes, const std::string& expected) {
  std::string found;
  for (const OutputShape& output : shapes) found += " " + output.name + " " + DimsText(output.dims);
  if (found.empty()) found = " none";
  throw Error(ErrorCode::kModelInvalid, "the outputs do not fit task " + spec.task + ": expected for each picture " +
                                            expected + ", found" + found);
}

std::vector<std::size_t> FindOutputs(const DetectionSpec& spec, const std::vector<OutputShape>& shapes,
                                     const std::vector<OutputRole>& roles, const std::string& expected) {
  std::vector<bool> taken(shapes.size());
  std::vector<std::size_t> found;
  if (shapes.size() != roles.size()) RefuseOutputs(spec, shapes, expected);
  for (const OutputRole& role : roles) {
    const std::optional<std::size_t> index = IndexOf(shapes, role, roles, &taken);
    if (!index) RefuseOutputs(spec, shapes, expected);
    found.push_back(*index);
  }
  return found;
}

std::string RolesText(const std::vector<OutputRole>& roles) {
  std::string text;
  for (const OutputRole& role : roles) {
    if (!text.empty()) text += " ";
    text += role.names.front() + " " + DimsText(role.dims);
  }
  return text;
}

const float* DataOf(const std::vector<const float*>& outputs, std::size_t index) {
  return index < outputs.size() ? outputs[index] : nullptr;
}

Rows RowsOf(const std::vector<OutputShape>& shapes, const std::vector<const float*>& outputs, std::size_t index) {
  const std::vector<std::int64_t>& dims = shapes[index].dims;
  const std::int64_t columns = dims.size() < 2 ? 1 : dims.back();
  return {DataOf(outputs, index), static_cast<std::int32_t>(columns), dims.empty() ? 1 : dims.front()};
}

}  // namespace sluice
