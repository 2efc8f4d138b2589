#pragma once

#include "params/byte_reader.h"

namespace sluice {

/** How EXIF says that a picture is stored: 1 (upright) to 8 as in its standard, 1 by default, 0 where it is damaged. */
int ReadExifOrientation(ByteReader segment);

}  // namespace sluice
