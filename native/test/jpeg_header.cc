/**
 * Tells what the reader of JPEG headers makes of files: a line for each, `WIDTHxHEIGHT LENGTH` or `refused: WHY`.
 *
 *   jpeg_header_test FILE..
 */
#include "params/jpeg_header.h"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "%s cannot be read\n", argv[i]);
      return 1;
    }
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const sluice::JpegHeader header =
        sluice::ReadJpegHeader(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (header.refusal.empty()) {
      std::printf("%dx%d %zu\n", header.width, header.height, header.length);
    } else {
      std::printf("refused: %s\n", header.refusal.c_str());
    }
  }
  return 0;
}
