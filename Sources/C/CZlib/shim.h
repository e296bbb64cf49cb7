#pragma once
#include <zlib.h>

// A macro in zlib.h. 16 + MAX_WBITS: a gzip header and trailer are required, and checked.
static inline int collider_inflate_init_gzip(z_stream *stream) {
    return inflateInit2(stream, 16 + MAX_WBITS);
}
