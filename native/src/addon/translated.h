#pragma once

#include <napi.h>

#include <exception>
#include <new>
#include <stdexcept>

#include "params/error.h"

namespace sluice::addon {

/** Runs `work` and throws what it throws as JavaScript's errors: an Error has the code of core/errors.ts. */
template <typename Work>
auto Translate(Napi::Env env, Work work) -> decltype(work()) {
  const auto coded = [env](const char* code, const char* message) {
    Napi::Error error = Napi::Error::New(env, message);
    error.Set("code", Napi::String::New(env, code));
    return error;
  };
  try {
    return work();
  } catch (const Napi::Error&) {
    throw;
  } catch (const Error& error) {
    throw coded(CodeName(error.code()), error.what());
  } catch (const std::out_of_range& error) {
    throw Napi::RangeError::New(env, error.what());
  } catch (const std::bad_alloc&) {
    throw coded(CodeName(ErrorCode::kInternal), "out of memory");
  } catch (const std::exception& error) {
    throw coded(CodeName(ErrorCode::kInternal), error.what());
  }
}

/** A function of the addon with its errors translated. */
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value Translated(const Napi::CallbackInfo& info) {
  return Translate(info.Env(), [&info] { return function(info); });
}

}  // namespace sluice::addon
