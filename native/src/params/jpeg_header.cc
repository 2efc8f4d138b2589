#include "params/jpeg_header.h"

#include <cstring>

#include "params/byte_reader.h"
#include "params/exif.h"
#include "params/pixels.h"

namespace sluice {
namespace {

enum Marker : std::uint32_t {
  kSof0 = 0xc0,
  kDht = 0xc4,
  kDac = 0xcc,
  kSof15 = 0xcf,
  kRst0 = 0xd0,
  kRst7 = 0xd7,
  kSoi = 0xd8,
  kEoi = 0xd9,
  kSos = 0xda,
  kDqt = 0xdb,
  kDnl = 0xdc,
  kDri = 0xdd,
  kApp0 = 0xe0,
  kApp1 = 0xe1,
  kApp14 = 0xee,
  kApp15 = 0xef,
  kCom = 0xfe,
};

/** Why a file is refused; thrown to end the reading. */
struct Refusal {
  const char* why;
};

void Require(bool holds, const char* why) {
  if (!holds) throw Refusal{why};
}

constexpr char kTruncated[] = "it is cut off";
constexpr char kBadSegment[] = "one of its segments is damaged";

struct Component {
  std::uint32_t id;
  std::uint32_t columns;
  std::uint32_t rows;
  std::uint32_t quantization;
};

class JpegReader {
 public:
  JpegReader(const std::uint8_t* data, std::size_t length) : file_(data, length), length_(length) {}

  /** Fills `header`; throws Refusal. */
  void Read(JpegHeader* header) {
    Require(file_.Short() == (0xff00 | kSoi) && file_.sound(), "it is not a JPEG");
    for (;;) {
      const std::uint32_t marker = NextMarker();
      if (marker == kSos) break;
      ReadSegment(marker, header);
    }
    ReadScan();
    SkipCodedData(*header);
    header->length = length_ - file_.left();
  }

 private:
  std::uint32_t NextMarker() {
    Require(file_.Byte() == 0xff, file_.sound() ? "there are bytes between its segments" : kTruncated);
    std::uint32_t marker;
    do {
      marker = file_.Byte();
    } while (marker == 0xff);
    Require(file_.sound(), kTruncated);
    return marker;
  }

  ByteReader TakeSegment() {
    const std::uint32_t length = file_.Short();
    Require(file_.sound(), kTruncated);
    Require(length >= 2, kBadSegment);
    const ByteReader segment = file_.Take(length - 2);
    Require(file_.sound(), kTruncated);
    return segment;
  }

  void ReadSegment(std::uint32_t marker, JpegHeader* header) {
    Require(marker != kEoi, "it has no picture");
    Require(marker != kDnl, "it tells its height at the end");
    Require(marker == kDht || marker == kDqt || marker == kDri || marker == kCom ||
                (marker >= kApp0 && marker <= kApp15) || (marker >= kSof0 && marker <= kSof15),
            "it has a marker that no such file has");
    ByteReader segment = TakeSegment();
    switch (marker) {
      case kDht:
        return ReadHuffmanTables(segment);
      case kDqt:
        return ReadQuantizationTables(segment);
      case kDri:
        restart_interval_ = segment.Short();
        return Require(segment.sound() && segment.left() == 0, kBadSegment);
      case kApp1: {
        const int orientation = ReadExifOrientation(segment);
        Require(orientation != 0, "its EXIF data is damaged");
        return Require(orientation == 1, "EXIF says that it has to be turned");
      }
      case kApp14:
        return ReadAdobe(segment);
      case kSof0:
        return ReadFrame(segment, header);
      case kDac:
        return Require(false, "it is arithmetically coded");
      case kSof0 + 2:
        return Require(false, "it is progressive");
      case kSof0 + 3:
        return Require(false, "it is lossless");
      default:
        return Require(marker < kSof0 || marker > kSof15, "it is not a baseline JPEG");
    }
  }

  void ReadHuffmanTables(ByteReader segment) {
    while (segment.left() > 0) {
      const std::uint32_t kind = segment.Byte();
      std::uint32_t codes = 0;
      for (int bits = 1; bits <= 16; bits++) codes += segment.Byte();
      segment.Skip(codes);
      Require(segment.sound() && codes > 0 && codes <= 256 && kind >> 4 <= 1, kBadSegment);
      Require((kind & 15) <= 1, "it has more Huffman tables than a baseline JPEG");
      huffman_tables_[kind >> 4] |= 1u << (kind & 15);
    }
  }

  void ReadQuantizationTables(ByteReader segment) {
    while (segment.left() > 0) {
      const std::uint32_t kind = segment.Byte();
      Require((kind & 15) <= 3 && kind >> 4 <= 1, kBadSegment);
      Require(kind >> 4 == 0, "its quantisation tables have 16 bits");
      segment.Skip(64);
      Require(segment.sound(), kBadSegment);
      quantization_tables_ |= 1u << (kind & 15);
    }
  }

  /** Adobe's programs say here that the channels are red, green and blue. */
  void ReadAdobe(ByteReader segment) {
    if (segment.left() < 12 || std::memcmp(segment.here(), "Adobe", 5) != 0) return;
    segment.Skip(11);
    Require(segment.Byte() != 0, "its channels are not luma and chroma");
  }

  void ReadFrame(ByteReader segment, JpegHeader* header) {
    Require(components_ == 0, "it has several frames");
    const std::uint32_t bits = segment.Byte();
    const std::uint32_t height = segment.Short();
    const std::uint32_t width = segment.Short();
    const std::uint32_t components = segment.Byte();
    Require(segment.sound() && segment.left() == 3 * components, kBadSegment);
    Require(bits == 8, "it does not have 8 bits");
    Require(width > 0 && height > 0, "it does not tell its size");
    Require(width <= kMaxSide && height <= kMaxSide, "a side is longer than 32768 pixels");
    Require(components == 1 || components == 3, "it has neither one channel nor three");
    for (std::uint32_t i = 0; i < components; i++) {
      const std::uint32_t id = segment.Byte();
      const std::uint32_t sampling = segment.Byte();
      frame_[i] = {id, sampling >> 4, sampling & 15, segment.Byte()};
      const bool sound = frame_[i].columns >= 1 && frame_[i].columns <= 4 && frame_[i].rows >= 1 &&
                         frame_[i].rows <= 4 && frame_[i].quantization <= 3;
      Require(sound, kBadSegment);
    }
    if (components == 1) {
      // Nothing is smaller or larger than the only channel.
      frame_[0].columns = frame_[0].rows = 1;
    } else {
      const bool usual = IsPowerOfTwo(frame_[0].columns) && IsPowerOfTwo(frame_[0].rows) && frame_[1].columns == 1 &&
                         frame_[1].rows == 1 && frame_[2].columns == 1 && frame_[2].rows == 1;
      Require(usual, "its chroma has an unusual size");
      Require(frame_[0].id != 'R' || frame_[1].id != 'G' || frame_[2].id != 'B',
              "its channels are not luma and chroma");
    }
    components_ = components;
    header->width = static_cast<std::int32_t>(width);
    header->height = static_cast<std::int32_t>(height);
  }

  static bool IsPowerOfTwo(std::uint32_t value) { return (value & (value - 1)) == 0; }

  void ReadScan() {
    Require(components_ > 0, "its frame is missing");
    ByteReader segment = TakeSegment();
    const std::uint32_t components = segment.Byte();
    Require(segment.sound() && segment.left() == 2 * components + 3, kBadSegment);
    Require(components == components_, "it is coded in several scans");
    for (std::uint32_t i = 0; i < components; i++) {
      const std::uint32_t id = segment.Byte();
      const std::uint32_t tables = segment.Byte();
      Require(id == frame_[i].id, kBadSegment);
      const bool defined = tables >> 4 <= 1 && (tables & 15) <= 1 && (huffman_tables_[0] >> (tables >> 4) & 1) != 0 &&
                           (huffman_tables_[1] >> (tables & 15) & 1) != 0 &&
                           (quantization_tables_ >> frame_[i].quantization & 1) != 0;
      Require(defined, "it lacks a table");
    }
    const bool whole = segment.Byte() == 0 && segment.Byte() == 63 && segment.Byte() == 0;
    Require(whole, "its scan is not a baseline JPEG's");
  }

  /** Goes to the end of the picture, from marker to marker. */
  void SkipCodedData(const JpegHeader& header) {
    const std::uint64_t units = CodedUnits(header);
    const std::uint64_t restarts = restart_interval_ == 0 ? 0 : (units - 1) / restart_interval_;
    const std::size_t begin = file_.left();
    std::uint64_t seen = 0;
    for (;;) {
      const void* next = file_.left() == 0 ? nullptr : std::memchr(file_.here(), 0xff, file_.left());
      Require(next != nullptr, kTruncated);
      file_.Skip(static_cast<std::size_t>(static_cast<const std::uint8_t*>(next) - file_.here()));
      const std::uint64_t bytes = begin - file_.left();
      const std::uint32_t marker = NextMarker();
      if (marker == 0) continue;
      if (marker >= kRst0 && marker <= kRst7) {
        Require(seen < restarts && marker == kRst0 + seen % 8, "its restart markers are out of order");
        seen++;
        continue;
      }
      Require(marker != kDnl, "it tells its height at the end");
      Require(marker != kSos && marker != kDht && marker != kDqt, "it is coded in several scans");
      Require(marker == kEoi, "its coded data holds a marker that does not belong there");
      Require(seen == restarts, "restart markers are missing");
      // A block takes a bit for its first coefficient and one for its end at least.
      Require(bytes * 8 >= units * BlocksPerUnit() * 2, "it has too little data for its size");
      return;
    }
  }

  /** Groups of blocks that make up the picture. */
  std::uint64_t CodedUnits(const JpegHeader& header) const {
    const std::uint64_t width = 8 * frame_[0].columns;
    const std::uint64_t height = 8 * frame_[0].rows;
    return ((header.width + width - 1) / width) * ((header.height + height - 1) / height);
  }

  std::uint64_t BlocksPerUnit() const { return frame_[0].columns * frame_[0].rows + components_ - 1; }

  ByteReader file_;
  std::size_t length_;
  std::uint32_t restart_interval_ = 0;
  /** A bit for each table: those of first coefficients, and those of the others. */
  std::uint32_t huffman_tables_[2] = {0, 0};
  std::uint32_t quantization_tables_ = 0;
  /** 0 before the frame. */
  std::uint32_t components_ = 0;
  Component frame_[3];
};

}  // namespace

JpegHeader ReadJpegHeader(const std::uint8_t* data, std::size_t length) {
  JpegHeader header;
  try {
    JpegReader(data, length).Read(&header);
  } catch (const Refusal& refusal) {
    header.refusal = refusal.why;
  }
  return header;
}

}  // namespace sluice
