// A target needs a source; what the header declares is in libFuzzer.
#include "CFuzzer.h"
