#include "params/output_roles.h"

#include <algorithm>
#include <optional>

#include "params/head_outputs.h"

namespace sluice {
namespace {

bool HasName(const OutputRole& role, const std::string& name) {
  return std::find(role.names.begin(), role.names.end(), name) != role.names.end();
}

bool HasDims(const OutputRole& role, const OutputShape& output) {
  const std::vector<std::int64_t> dims = output.dims.empty() ? std::vector<std::int64_t>{1} : output.dims;
  return std::equal(dims.begin(), dims.end(), role.dims.begin(), role.dims.end(),
                    [](std::int64_t size, std::int64_t wanted) { return wanted == kAnySize || size == wanted; });
}

std::optional<std::size_t> PlaceOf(const OutputRole& role, const std::vector<OutputRole>& roles,
                                   const std::vector<OutputShape>& outputs, const std::vector<bool>& taken) {
  for (std::size_t i = 0; i < outputs.size(); i++) {
    if (taken[i] || !HasName(role, outputs[i].name)) continue;
    return HasDims(role, outputs[i]) ? std::optional(i) : std::nullopt;
  }
  for (std::size_t i = 0; i < outputs.size(); i++) {
    if (taken[i] || !HasDims(role, outputs[i])) continue;
    const bool named = std::any_of(roles.begin(), roles.end(),
                                   [&](const OutputRole& other) { return HasName(other, outputs[i].name); });
    if (!named) return i;
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::size_t> FindOutputs(const DetectionSpec& spec, const std::vector<OutputShape>& outputs,
                                     const std::vector<OutputRole>& roles, const std::string& expected) {
  if (outputs.size() != roles.size()) RefuseOutputs(spec, expected, outputs);
  std::vector<bool> taken(outputs.size());
  std::vector<std::size_t> places;
  for (const OutputRole& role : roles) {
    const std::optional<std::size_t> place = PlaceOf(role, roles, outputs, taken);
    if (!place) RefuseOutputs(spec, expected, outputs);
    taken[*place] = true;
    places.push_back(*place);
  }
  return places;
}

std::string RolesText(const std::vector<OutputRole>& roles) {
  std::string text;
  for (const OutputRole& role : roles) {
    text += (text.empty() ? "" : " ") + role.names.front() + " " + OutputText(role.dims);
  }
  return text;
}

Table TableOf(const std::vector<OutputShape>& outputs, const std::vector<const float*>& data, std::size_t index) {
  const std::vector<std::int64_t>& dims = outputs[index].dims;
  const std::int64_t columns = dims.size() < 2 ? 1 : dims.back();
  return {data[index], static_cast<std::int32_t>(columns), static_cast<std::uint32_t>(dims.empty() ? 1 : dims.front())};
}

}  // namespace sluice
