#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "api/shape.h"
#include "sluice/sluice.h"
#include "tensorrt/files.h"

/**
 * NumPy's file format: "\x93NUMPY", a version (two bytes), the length of the header, the header, the values. The header
 * is a dictionary of Python, padded with spaces and ended by a line feed, so that the values begin at a multiple of 64.
 */
namespace sluice {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are written as they lie in memory");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;
/** Far more than a header of float32 has. */
constexpr std::size_t kLongestHeader = 65535;

[[noreturn]] void Refuse(const std::string& file, const std::string& reason) {
  throw Error(ErrorCode::kInvalidRequest, file + " " + reason);
}

/** Magic, version 1.0, length and header. */
std::string Preamble(const std::vector<std::int64_t>& shape) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t size : shape) header += std::to_string(size) + ",";
  header += "), }";
  const std::size_t before = kMagic.size() + 4;
  header.append(kAlignment - 1 - (before + header.size()) % kAlignment, ' ');
  header += '\n';
  std::string preamble(kMagic);
  preamble += {1, 0, static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  return preamble + header;
}

/** What follows `'key':` in the header; empty: nothing. */
std::string_view ValueOf(std::string_view header, const std::string& key) {
  std::size_t begin = header.find("'" + key + "'");
  if (begin == std::string_view::npos) return {};
  begin = header.find(':', begin);
  if (begin == std::string_view::npos) return {};
  begin = header.find_first_not_of(" :", begin);
  return begin == std::string_view::npos ? std::string_view{} : header.substr(begin);
}

bool StartsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

/** `(1, 3, 640, 640)`, `(5,)` or `()`. */
std::vector<std::int64_t> ParseShape(const std::string& file, std::string_view text) {
  std::vector<std::int64_t> shape;
  bool digits = false;
  for (std::size_t i = 1; StartsWith(text, "(") && i < text.size(); i++) {
    const char c = text[i];
    if (c == ')') return shape;
    if (c >= '0' && c <= '9') {
      if (!digits) shape.push_back(0);
      digits = true;
      if (shape.back() > (std::numeric_limits<std::int64_t>::max() - 9) / 10) break;
      shape.back() = shape.back() * 10 + (c - '0');
    } else if (c == ',' || c == ' ') {
      digits = false;
    } else {
      break;
    }
  }
  Refuse(file, "has no shape that can be read");
}

/** The shape that a header tells, where its values are ours. */
std::vector<std::int64_t> ParseHeader(const std::string& file, std::string_view header) {
  if (!StartsWith(ValueOf(header, "descr"), "'<f4'")) {
    Refuse(file, "does not hold float32; save it as array.astype('float32')");
  }
  if (!StartsWith(ValueOf(header, "fortran_order"), "False")) {
    Refuse(file, "is in Fortran order; save it as numpy.ascontiguousarray(array)");
  }
  return ParseShape(file, ValueOf(header, "shape"));
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file), stream_(file, std::ios::binary | std::ios::ate) {
    if (!stream_) Refuse(file, std::string("cannot be read: ") + std::strerror(errno));
    left_ = static_cast<std::size_t>(stream_.tellg());
    stream_.seekg(0);
  }

  void Read(void* to, std::size_t bytes) {
    if (bytes > left_ || !stream_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes))) {
      Refuse(file_, "ends too soon");
    }
    left_ -= bytes;
  }
  std::size_t left() const { return left_; }

 private:
  const std::string& file_;
  std::ifstream stream_;
  std::size_t left_ = 0;
};

std::string ReadHeader(const std::string& file, Reader& reader) {
  std::array<char, kMagic.size()> magic;
  reader.Read(magic.data(), magic.size());
  if (std::string_view(magic.data(), magic.size()) != kMagic) Refuse(file, "is no .npy file");
  std::array<unsigned char, 2> version;
  reader.Read(version.data(), version.size());
  std::array<unsigned char, 4> length{};
  reader.Read(length.data(), version[0] == 1 ? 2 : 4);
  const std::size_t bytes = length[0] | length[1] << 8 | length[2] << 16 | static_cast<std::size_t>(length[3]) << 24;
  if (bytes > kLongestHeader) Refuse(file, "has a header of " + std::to_string(bytes) + " bytes, too long for float32");
  std::string header(bytes, ' ');
  reader.Read(header.data(), bytes);
  return header;
}

}  // namespace

void HostTensor::Save(const std::string& file) const {
  std::string bytes = Preamble(shape_);
  bytes.append(reinterpret_cast<const char*>(values_.data()), values_.size() * sizeof(float));
  try {
    tensorrt::WriteFileAtomically(file, bytes.data(), bytes.size());
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidRequest, error.what());
  }
}

HostTensor HostTensor::Load(const std::string& file) {
  Reader reader(file);
  std::vector<std::int64_t> shape = ParseHeader(file, ReadHeader(file, reader));
  // Compared first, so that no header makes us take memory that its file does not fill.
  const std::size_t count = NumberOfValues(shape);
  if (reader.left() != count * sizeof(float)) {
    Refuse(file, "has " + std::to_string(reader.left()) + " bytes of values; its shape needs " +
                     std::to_string(count * sizeof(float)));
  }
  HostTensor tensor(std::move(shape));
  reader.Read(tensor.data(), count * sizeof(float));
  return tensor;
}

}  // namespace sluice
