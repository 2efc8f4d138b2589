#include "program.h"

#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>

namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": " + std::strerror(errno));
  return {std::istreambuf_iterator<char>(file), {}};
}

const char* NameOf(grpc::StatusCode code) {
  static constexpr const char* kNames[] = {"OK",
                                           "CANCELLED",
                                           "UNKNOWN",
                                           "INVALID_ARGUMENT",
                                           "DEADLINE_EXCEEDED",
                                           "NOT_FOUND",
                                           "ALREADY_EXISTS",
                                           "PERMISSION_DENIED",
                                           "RESOURCE_EXHAUSTED",
                                           "FAILED_PRECONDITION",
                                           "ABORTED",
                                           "OUT_OF_RANGE",
                                           "UNIMPLEMENTED",
                                           "INTERNAL",
                                           "UNAVAILABLE",
                                           "DATA_LOSS",
                                           "UNAUTHENTICATED"};
  return code >= 0 && code < static_cast<int>(std::size(kNames)) ? kNames[code] : "UNKNOWN";
}

}  // namespace

Program::Program(int count, char** arguments) {
  for (int index = 1; index < count; ++index) {
    const std::string argument = arguments[index];
    if (argument.rfind("--", 0) != 0) {
      images_.push_back(argument);
    } else if (argument == "--json" || argument == "--tls") {
      flags_[argument.substr(2)] = "";
    } else if (index + 1 < count) {
      flags_[argument.substr(2)] = arguments[++index];
    } else {
      throw std::runtime_error(argument + " takes a value");
    }
  }
}

std::string Program::Flag(const std::string& flag, const std::string& otherwise) const {
  const auto found = flags_.find(flag);
  return found == flags_.end() ? otherwise : found->second;
}

sluice::client::Client Program::Connect() const {
  sluice::client::ConnectOptions options;
  if (Has("tls")) {
    options.tls.emplace();
    if (Has("ca")) options.tls->authorities = ReadFile(Flag("ca"));
    if (Has("cert")) {
      options.tls->chain = ReadFile(Flag("cert"));
      options.tls->key = ReadFile(Flag("key"));
    }
  }
  options.token = Flag("token");
  return sluice::client::Client(Flag("server", "127.0.0.1:8001"), options);
}

bool Program::ReportError(const sluice::v1::FrameInfo& frame) {
  if (!frame.has_error()) return false;
  std::cerr << frame.frame_id() << ": " << frame.error().code() << ": " << frame.error().message() << "\n";
  return true;
}

sluice::v1::Frame Program::Read(const std::string& image) {
  sluice::v1::Frame frame;
  frame.set_frame_id(std::filesystem::path(image).filename().string());
  frame.set_encoded(ReadFile(image));
  return frame;
}

int RunProgram(const char* name, int count, char** arguments, int (*body)(const Program&)) {
  try {
    return body(Program(count, arguments));
  } catch (const sluice::client::CallError& error) {
    std::cerr << name << ": " << NameOf(error.code()) << ": " << error.what() << "\n";
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << "\n";
  }
  return 1;
}
