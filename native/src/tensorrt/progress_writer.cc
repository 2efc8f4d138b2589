#include "tensorrt/progress_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>

namespace sluice::tensorrt {
namespace {

/** Less than this is not worth a line. */
constexpr double kSmallestStep = 0.001;
/** How long a full pipe is waited for before its reader is given up. */
constexpr int kReaderMilliseconds = 10'000;

/** Length of the UTF-8 sequence at `begin`, or 0 where there is none. */
std::size_t SequenceLength(const std::string& text, std::size_t begin) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(begin);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || begin + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; i++) {
    if ((byte(begin + i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what is beyond Unicode.
  const unsigned char second = byte(begin + 1);
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
      (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

}  // namespace

std::string JsonString(const std::string& text) {
  std::string json = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = SequenceLength(text, i);
    const char letter = text[i];
    if (length == 0) {
      json += "\xEF\xBF\xBD";
    } else if (letter == '"' || letter == '\\') {
      json += {'\\', letter};
    } else if (static_cast<unsigned char>(letter) < ' ') {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(letter));
      json += escape;
    } else {
      json.append(text, i, length);
    }
    i += std::max<std::size_t>(length, 1);
  }
  return json + "\"";
}

void ProgressWriter::Progress(double fraction, const std::string& phase) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const double reached = std::max(fraction_, std::min(std::max(fraction, 0.0), 1.0));
  const bool worth = reached - fraction_ >= kSmallestStep || (reached == 1 && fraction_ < 1) || phase != phase_;
  if (!worth) return;
  fraction_ = reached;
  phase_ = phase;
  char number[16];
  std::snprintf(number, sizeof(number), "%.4f", reached);
  WriteLine(std::string("{\"progress\":") + number + ",\"phase\":" + JsonString(phase) + "}\n");
}

void ProgressWriter::Log(const char* level, const std::string& message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  WriteLine("{\"level\":" + JsonString(level) + ",\"message\":" + JsonString(message) + "}\n");
}

void ProgressWriter::WriteLine(const std::string& line) {
  if (!descriptor_) return;
  const char* rest = line.data();
  std::size_t bytes = line.size();
  while (bytes > 0) {
    const ssize_t written = write(*descriptor_, rest, bytes);
    if (written >= 0) {
      rest += written;
      bytes -= static_cast<std::size_t>(written);
      continue;
    }
    if (errno == EINTR) continue;
    pollfd full = {*descriptor_, POLLOUT, 0};
    if ((errno == EAGAIN || errno == EWOULDBLOCK) && poll(&full, 1, kReaderMilliseconds) > 0) continue;
    descriptor_.reset();
    return;
  }
}

}  // namespace sluice::tensorrt
