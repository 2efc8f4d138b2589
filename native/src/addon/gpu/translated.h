#pragma once

#include <napi.h>

#include <exception>
#include <stdexcept>

#include "params/error.h"

namespace sluice::addon::gpu {

inline Napi::Error WithCode(Napi::Env env, ErrorCode code, const char* message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, CodeName(code)));
  return error;
}

/** Turns our exceptions into JavaScript's, with a `code` of server/core/errors.ts, and lets no other one through. */
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value Translated(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (const Napi::Error&) {
    throw;
  } catch (const Error& error) {
    throw WithCode(info.Env(), error.code(), error.what());
  } catch (const std::out_of_range& error) {
    throw Napi::RangeError::New(info.Env(), error.what());
  } catch (const std::exception& error) {
    throw WithCode(info.Env(), ErrorCode::kInternal, error.what());
  }
}

}  // namespace sluice::addon::gpu
