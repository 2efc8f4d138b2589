#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sluice/client.h"

/** What the programs share: their arguments, their files as frames, and how they end. */
class Program {
 public:
  /** Flags come with a value, `--json` and `--tls` without one; what is left are pictures. Throws std::runtime_error. */
  Program(int count, char** arguments);

  bool Has(const std::string& flag) const { return flags_.count(flag) != 0; }
  /** The flag's value; `otherwise` where it is left out. */
  std::string Flag(const std::string& flag, const std::string& otherwise = "") const;

  /** Connects as --server, --tls, --ca, --cert, --key and --token say. */
  sluice::client::Client Connect() const;

  /** Reads each picture when its turn has come. */
  template <typename Request>
  sluice::client::Frames<Request> ReadFrames() const {
    return [images = images_, next = std::size_t{0}]() mutable -> std::optional<Request> {
      if (next == images.size()) return std::nullopt;
      Request request;
      *request.mutable_frame() = Read(images[next++]);
      return request;
    };
  }

  /** Prints the frame's error and answers whether it has one. */
  static bool ReportError(const sluice::v1::FrameInfo& frame);

 private:
  static sluice::v1::Frame Read(const std::string& image);

  std::map<std::string, std::string> flags_;
  std::vector<std::string> images_;
};

/** Runs a program's body and answers with its exit code; 1, with a line on stderr, when it throws. */
int RunProgram(const char* name, int count, char** arguments, int (*body)(const Program&));
