#pragma once

// Part of the C++ interface, which has its one definition.
#include "sluice/error.h"
