#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "params/affine.h"
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
  /** Up to 2^53 - 1 either way. */
  std::int64_t Integer() const;
  std::string Text() const;
  /** An array of exactly `count` numbers. */
  void Numbers(double* values, std::uint32_t count) const;
  /** The items of an array. */
  std::vector<Argument> Items() const;
  Affine Matrix() const;
  NmsRule Rule() const;
  NmsParams NmsOptions() const;

  Napi::Float32Array Floats() const;
  Napi::Uint8Array Bytes() const;

  /** Throws the TypeError that the argument is not what was expected. */
  [[noreturn]] void Mismatch(const std::string& expected) const;

 private:
  Napi::Value value_;
  std::string name_;
};

inline MutableFloatView View(Napi::Float32Array array) { return {array.Data(), array.ElementLength()}; }
inline FloatView ConstView(Napi::Float32Array array) { return {array.Data(), array.ElementLength()}; }

}  // namespace sluice::addon
