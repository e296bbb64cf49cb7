#pragma once

// The entry of libFuzzer as a library (LLVM, "Using libFuzzer as a library"): it takes a main function's arguments and
// calls back for every input. The callback returns 0, or -1 for an input that is not to be kept.

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));
