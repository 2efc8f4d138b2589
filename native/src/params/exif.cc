#include "params/exif.h"

#include <cstring>

namespace sluice {
namespace {

constexpr char kSignature[6] = {'E', 'x', 'i', 'f', 0, 0};
constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kShortType = 3;

/** Numbers of a TIFF file, in the byte order it chose. */
class Tiff {
 public:
  explicit Tiff(ByteReader file) : file_(file) {}

  /** Reads the byte order and the place of the first directory; false when it is no TIFF file. */
  bool Open() {
    const std::uint32_t order = file_.Short();
    little_ = order == 0x4949;
    return (little_ || order == 0x4d4d) && Short() == 42;
  }

  std::uint32_t Short() {
    const std::uint32_t value = file_.Short();
    return little_ ? (value & 0xff) << 8 | value >> 8 : value;
  }

  std::uint32_t Long() {
    const std::uint32_t first = Short();
    const std::uint32_t second = Short();
    return little_ ? second << 16 | first : first << 16 | second;
  }

  void Skip(std::size_t count) { file_.Skip(count); }
  bool sound() const { return file_.sound(); }

 private:
  ByteReader file_;
  bool little_ = false;
};

}  // namespace

int ReadExifOrientation(ByteReader segment) {
  const ByteReader signature = segment.Take(sizeof(kSignature));
  // Other data, XMP among it, lies in segments of the same kind.
  if (segment.left() == 0 || std::memcmp(signature.here(), kSignature, sizeof(kSignature)) != 0) return 1;
  Tiff tiff(segment);
  if (!tiff.Open()) return 0;
  constexpr std::uint32_t kHeaderBytes = 8;
  const std::uint32_t directory = tiff.Long();
  if (directory < kHeaderBytes) return 0;
  tiff.Skip(directory - kHeaderBytes);
  const std::uint32_t entries = tiff.Short();
  for (std::uint32_t i = 0; i < entries && tiff.sound(); i++) {
    const std::uint32_t tag = tiff.Short();
    const std::uint32_t type = tiff.Short();
    const std::uint32_t count = tiff.Long();
    const std::uint32_t value = tiff.Short();
    tiff.Skip(2);
    if (tag != kOrientationTag) continue;
    const bool valid = tiff.sound() && type == kShortType && count == 1 && value >= 1 && value <= 8;
    return valid ? static_cast<int>(value) : 0;
  }
  return tiff.sound() ? 1 : 0;
}

}  // namespace sluice
