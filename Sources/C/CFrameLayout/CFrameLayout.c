// The header is the whole module; this file makes the compiler check its assertions once by itself.
#include "CFrameLayout.h"
