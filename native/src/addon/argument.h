#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "params/affine.h"
#include "params/class_map.h"
#include "params/heat_peak.h"
#include "params/nms_params.h"
#include "params/views.h"

namespace sluice::addon {

/**
 * One argument, or a field of one, under the name that messages give it (`options.window.left`). Throws a TypeError
 * when the value is of another type than asked for.
 *
 * Reading a field may run a getter, and that may detach an ArrayBuffer: read every field before taking the memory of
 * any array.
 */
class Argument {
 public:
  Argument(Napi::Value value, std::string name) : value_(value), name_(std::move(name)) {}

  Argument Field(const char* key) const;
  bool IsNull() const { return value_.IsNull(); }
  bool IsUndefined() const { return value_.IsUndefined(); }
  bool Boolean() const;
  double Number() const;
  std::int32_t Int32() const;
  /** A width or height: 1 to kMaxSide. */
  std::int32_t Side() const;
  /** Up to 2^53 - 1 either way. */
  std::int64_t Integer() const;
  std::string Text() const;
  /** The value that goes with one of the texts of `choices`. */
  template <typename T>
  T OneOf(const std::vector<std::pair<const char*, T>>& choices) const {
    const std::string text = Text();
    std::string names;
    for (std::size_t i = 0; i < choices.size(); i++) {
      if (text == choices[i].first) return choices[i].second;
      names += (i == 0 ? "'" : i + 1 < choices.size() ? ", '" : " or '") + std::string(choices[i].first) + "'";
    }
    Mismatch(names);
  }
  /** What `read` makes of the argument, a function of an Argument; nothing where it is null. */
  template <typename Read>
  auto Optional(Read read) const -> std::optional<decltype(read(*this))> {
    if (IsNull()) return std::nullopt;
    return read(*this);
  }
  /** What `read` makes of the elements of an array. */
  template <typename Read>
  auto List(Read read) const -> std::vector<decltype(read(*this))> {
    std::vector<decltype(read(*this))> list;
    for (std::uint32_t i = 0; i < Length(); i++) list.push_back(read(Element(i)));
    return list;
  }
  /** An array of exactly `count` numbers. */
  void Numbers(double* values, std::uint32_t count) const;
  Affine Matrix() const;
  NmsParams NmsOptions() const;
  ClassActivation Activation() const;
  PeakRefinement Refinement() const;

  Napi::Float32Array Floats() const;
  Napi::Uint8Array Bytes() const;
  Napi::Int32Array Integers() const;
  Napi::Uint32Array Words() const;

  /** Throws the TypeError that the argument is not what was expected. */
  [[noreturn]] void Mismatch(const std::string& expected) const;

 private:
  /** Of an array. */
  std::uint32_t Length() const;
  Argument Element(std::uint32_t index) const;

  Napi::Value value_;
  std::string name_;
};

inline MutableFloatView View(Napi::Float32Array array) { return {array.Data(), array.ElementLength()}; }
inline FloatView ConstView(Napi::Float32Array array) { return {array.Data(), array.ElementLength()}; }

}  // namespace sluice::addon
