#include "addon/argument.h"

#include <cmath>
#include <limits>

#include "params/check.h"
#include "params/pixels.h"

namespace sluice::addon {

Argument Argument::Field(const char* key) const {
  if (!value_.IsObject()) Mismatch("an object");
  return Argument(value_.As<Napi::Object>().Get(key), name_ + "." + key);
}

bool Argument::Boolean() const {
  if (!value_.IsBoolean()) Mismatch("true or false");
  return value_.As<Napi::Boolean>().Value();
}

double Argument::Number() const {
  if (!value_.IsNumber()) Mismatch("a number");
  return value_.As<Napi::Number>().DoubleValue();
}

std::int64_t Argument::Integer() const {
  constexpr double kMaxSafeInteger = 9007199254740991.0;
  const double number = Number();
  if (!(std::abs(number) <= kMaxSafeInteger) || number != std::trunc(number)) Mismatch("an integer");
  return static_cast<std::int64_t>(number);
}

std::int32_t Argument::Int32() const {
  const std::int64_t integer = Integer();
  if (integer < std::numeric_limits<std::int32_t>::min() || integer > std::numeric_limits<std::int32_t>::max()) {
    throw Napi::RangeError::New(value_.Env(), name_ + " does not fit 32 bits");
  }
  return static_cast<std::int32_t>(integer);
}

std::int32_t Argument::Side() const {
  const std::int32_t side = Int32();
  if (side < 1 || side > kMaxSide) Refuse(name_, " is ", side, "; it must be 1 to ", kMaxSide);
  return side;
}

std::string Argument::Text() const {
  if (!value_.IsString()) Mismatch("a string");
  return value_.As<Napi::String>().Utf8Value();
}

void Argument::Numbers(double* values, std::uint32_t count) const {
  if (Length() != count) Mismatch("an array of " + std::to_string(count) + " numbers");
  for (std::uint32_t i = 0; i < count; i++) values[i] = Element(i).Number();
}

Affine Argument::Matrix() const {
  Affine matrix;
  Numbers(matrix.m, 6);
  return matrix;
}

NmsParams Argument::NmsOptions() const {
  const NmsRule rule = Field("rule").OneOf<NmsRule>({{"fast", NmsRule::kFast}, {"greedy", NmsRule::kGreedy}});
  return {rule, Field("iouThreshold").Number()};
}

ClassActivation Argument::Activation() const {
  return OneOf<ClassActivation>(
      {{"none", ClassActivation::kNone}, {"softmax", ClassActivation::kSoftmax}, {"sigmoid", ClassActivation::kSigmoid}});
}

PeakRefinement Argument::Refinement() const {
  return OneOf<PeakRefinement>({{"none", PeakRefinement::kNone}, {"quarter", PeakRefinement::kQuarter}});
}

Napi::Float32Array Argument::Floats() const {
  if (!value_.IsTypedArray() || value_.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    Mismatch("a Float32Array");
  }
  return value_.As<Napi::Float32Array>();
}

Napi::Uint8Array Argument::Bytes() const {
  if (!value_.IsTypedArray() || value_.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    Mismatch("a Uint8Array");
  }
  return value_.As<Napi::Uint8Array>();
}

Napi::Int32Array Argument::Integers() const {
  if (!value_.IsTypedArray() || value_.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    Mismatch("an Int32Array");
  }
  return value_.As<Napi::Int32Array>();
}

Napi::Uint32Array Argument::Words() const {
  if (!value_.IsTypedArray() || value_.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    Mismatch("a Uint32Array");
  }
  return value_.As<Napi::Uint32Array>();
}

std::uint32_t Argument::Length() const {
  if (!value_.IsArray()) Mismatch("an array");
  return value_.As<Napi::Array>().Length();
}

Argument Argument::Element(std::uint32_t index) const {
  return Argument(value_.As<Napi::Array>().Get(index), name_ + "[" + std::to_string(index) + "]");
}

void Argument::Mismatch(const std::string& expected) const {
  throw Napi::TypeError::New(value_.Env(), name_ + " must be " + expected);
}

}  // namespace sluice::addon
