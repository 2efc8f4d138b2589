#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "fuzz_operators.h"
#include "params/jpeg_header.h"
#include "params/pixels.h"

namespace sluice::fuzz {
namespace {

/** What a made-up file says of itself. */
struct Traits {
  int width;
  int height;
  int components = 3;
  int luma_columns = 2;
  int luma_rows = 2;
  int frame_marker = 0xc0;
  int bits = 8;
  /** 0: there is no EXIF segment. */
  int orientation = 0;
  bool little_endian = true;
  int restart_interval = 0;
  /** -1: there is no segment of Adobe's. */
  int adobe_transform = -1;
  bool huffman_tables = true;
  bool quantization_tables = true;
  int trailing_bytes = 0;
  /** Which restart marker is one too far; -1: none. */
  int wrong_restart = -1;
  bool last_restart = true;
  int missing_data_bytes = 0;
};

using Bytes = std::vector<std::uint8_t>;

void AddShort(Bytes* bytes, int value) {
  bytes->push_back(static_cast<std::uint8_t>(value >> 8));
  bytes->push_back(static_cast<std::uint8_t>(value));
}

void AddSegment(Bytes* file, int marker, const Bytes& content) {
  AddShort(file, 0xff00 | marker);
  AddShort(file, static_cast<int>(content.size()) + 2);
  file->insert(file->end(), content.begin(), content.end());
}

Bytes Exif(const Traits& traits) {
  Bytes exif = {'E', 'x', 'i', 'f', 0, 0};
  const auto add = [&](int value) {
    AddShort(&exif, traits.little_endian ? (value & 255) << 8 | value >> 8 : value);
  };
  const auto add_long = [&](int value) {
    add(traits.little_endian ? value : 0);
    add(traits.little_endian ? 0 : value);
  };
  AddShort(&exif, traits.little_endian ? 0x4949 : 0x4d4d);
  add(42);
  add_long(8);
  add(2);
  for (const int tag : {0x0100, 0x0112}) {
    add(tag);
    add(3);
    add_long(1);
    add(tag == 0x0112 ? traits.orientation : 6);
    add(0);
  }
  add_long(0);
  return exif;
}

/** Coded data of the size that the picture needs at least, with its restart markers. */
void AddData(Random* random, const Traits& traits, Bytes* file) {
  const int columns = traits.components == 1 ? 1 : traits.luma_columns;
  const int rows = traits.components == 1 ? 1 : traits.luma_rows;
  const int units = ((traits.width + 8 * columns - 1) / (8 * columns)) * ((traits.height + 8 * rows - 1) / (8 * rows));
  const int blocks = columns * rows + traits.components - 1;
  const int restarts = traits.restart_interval == 0 ? 0 : (units - 1) / traits.restart_interval;
  const int bytes = (units * blocks * 2 + 7) / 8 - traits.missing_data_bytes;
  for (int i = 0; i < bytes; i++) file->push_back(static_cast<std::uint8_t>(random->Integer(0, 254)));
  for (int restart = 0; restart < restarts; restart++) {
    if (restart == restarts - 1 && !traits.last_restart) break;
    AddShort(file, 0xffd0 | ((restart + (restart == traits.wrong_restart ? 1 : 0)) % 8));
    if (random->OneIn(2)) AddShort(file, 0xff00);
    if (random->OneIn(9)) AddShort(file, 0x12ff);
    if (file->back() == 0xff) file->push_back(0);
  }
}

Bytes MakeFile(Random* random, const Traits& traits) {
  Bytes file = {0xff, 0xd8};
  if (random->OneIn(2)) AddSegment(&file, 0xe0, {'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0});
  if (traits.orientation > 0) AddSegment(&file, 0xe1, Exif(traits));
  if (random->OneIn(3)) AddSegment(&file, 0xe1, {'h', 't', 't', 'p', ':', '/', '/', 'n'});
  if (random->OneIn(3)) file.push_back(0xff);
  if (random->OneIn(3)) AddSegment(&file, 0xfe, Bytes(static_cast<std::size_t>(random->Integer(0, 300)), 0xff));
  if (traits.adobe_transform >= 0) {
    AddSegment(&file, 0xee,
               {'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, static_cast<std::uint8_t>(traits.adobe_transform)});
  }
  for (std::uint8_t table = 0; traits.quantization_tables && table < 2; table++) {
    Bytes content(65, 1);
    content[0] = table;
    AddSegment(&file, 0xdb, content);
  }
  Bytes frame = {static_cast<std::uint8_t>(traits.bits)};
  AddShort(&frame, traits.height);
  AddShort(&frame, traits.width);
  frame.push_back(static_cast<std::uint8_t>(traits.components));
  Bytes scan = {static_cast<std::uint8_t>(traits.components)};
  for (std::uint8_t c = 0; c < traits.components; c++) {
    const int sampling = c == 0 ? traits.luma_columns << 4 | traits.luma_rows : 0x11;
    const std::uint8_t chroma = c == 0 ? 0 : 1;
    frame.insert(frame.end(), {c, static_cast<std::uint8_t>(sampling), chroma});
    scan.insert(scan.end(), {c, static_cast<std::uint8_t>(chroma * 0x11)});
  }
  AddSegment(&file, traits.frame_marker, frame);
  for (const std::uint8_t table : {0x00, 0x01, 0x10, 0x11}) {
    if (!traits.huffman_tables) break;
    Bytes content(19, 0);
    content[0] = table;
    content[2] = 2;
    AddSegment(&file, 0xc4, content);
  }
  if (traits.restart_interval > 0) {
    Bytes content;
    AddShort(&content, traits.restart_interval);
    AddSegment(&file, 0xdd, content);
  }
  scan.insert(scan.end(), {0, 63, 0});
  AddSegment(&file, 0xda, scan);
  AddData(random, traits, &file);
  AddShort(&file, 0xffd9);
  return file;
}

Traits AnyTraits(Random* random) {
  Traits traits;
  traits.width = static_cast<int>(random->OneIn(20) ? random->Integer(1, kMaxSide) : random->Integer(1, 99));
  traits.height = static_cast<int>(traits.width > 99 ? random->Integer(1, 9) : random->Integer(1, 99));
  traits.components = random->OneIn(4) ? 1 : 3;
  traits.luma_columns = 1 << random->Integer(0, 2);
  traits.luma_rows = 1 << random->Integer(0, 2);
  traits.orientation = random->OneIn(2) ? 1 : 0;
  traits.little_endian = random->OneIn(2);
  traits.restart_interval = static_cast<int>(random->OneIn(2) ? random->Integer(1, 5) : 0);
  traits.adobe_transform = random->OneIn(4) ? 1 : -1;
  traits.trailing_bytes = static_cast<int>(random->OneIn(4) ? random->Integer(1, 9) : 0);
  return traits;
}

/** Spoils one thing that the file then has to be refused for. Returns whether it did. */
bool Spoil(Random* random, Traits* traits) {
  switch (random->Integer(0, 20)) {
    case 0:
      traits->frame_marker = static_cast<int>(random->Integer(0xc1, 0xcf));
      return true;
    case 1:
      traits->bits = 12;
      return true;
    case 2:
      traits->orientation = static_cast<int>(random->Integer(2, 9));
      return true;
    case 3:
      traits->components = random->OneIn(2) ? 2 : 4;
      return true;
    case 4:
      traits->luma_columns = 3;
      return traits->components != 1;
    case 5:
      traits->adobe_transform = 0;
      return true;
    case 6:
      traits->huffman_tables = false;
      return true;
    case 7:
      traits->quantization_tables = false;
      return true;
    case 8:
      traits->missing_data_bytes = 1;
      traits->restart_interval = 0;
      return true;
    case 9:
      traits->width = 99;
      traits->restart_interval = 1;
      traits->wrong_restart = 1;
      return true;
    case 10:
      traits->width = 99;
      traits->restart_interval = 1;
      traits->last_restart = false;
      return true;
    default:
      return false;
  }
}

JpegHeader ReadExact(const Bytes& file, std::size_t length) {
  Exact<std::uint8_t> bytes(length);
  std::copy_n(file.begin(), length, bytes.data.get());
  return ReadJpegHeader(bytes.data.get(), length);
}

}  // namespace

void FuzzJpegHeader(Random* random) {
  Traits traits = AnyTraits(random);
  const bool spoiled = Spoil(random, &traits);
  Bytes file = MakeFile(random, traits);
  const std::size_t end = file.size();
  for (int i = 0; i < traits.trailing_bytes; i++) file.push_back(static_cast<std::uint8_t>(random->Integer(0, 255)));

  const JpegHeader header = ReadExact(file, file.size());
  if (spoiled) {
    Expect(!header.refusal.empty(), "a spoiled JPEG is taken");
  } else {
    Expect(header.refusal.empty(), "a sound JPEG is refused");
    Expect(header.width == traits.width && header.height == traits.height, "a JPEG has another size");
    Expect(header.length == end, "a JPEG ends elsewhere");
  }

  const auto cut = static_cast<std::size_t>(random->Integer(0, static_cast<std::int64_t>(end) - 1));
  Expect(!ReadExact(file, cut).refusal.empty(), "a JPEG that is cut off is taken");

  // Whatever becomes of it, nothing is read beyond its end and what is taken makes sense.
  for (int i = 0; i < 3; i++) {
    const auto at = static_cast<std::size_t>(random->Integer(0, static_cast<std::int64_t>(file.size()) - 1));
    file[at] = static_cast<std::uint8_t>(random->OneIn(2) ? 0xff : random->Integer(0, 255));
    const JpegHeader other = ReadExact(file, file.size());
    if (!other.refusal.empty()) continue;
    const bool sized = other.width >= 1 && other.width <= kMaxSide && other.height >= 1 && other.height <= kMaxSide;
    Expect(sized && other.length <= file.size(), "a JPEG of a size that cannot be is taken");
  }
}

}  // namespace sluice::fuzz
