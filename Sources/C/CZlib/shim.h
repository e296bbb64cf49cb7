#pragma once
#include <zlib.h>

// A macro in zlib.h. 16 + MAX_WBITS: a gzip header and trailer are required, and checked.
static inline int collider_inflate_init_gzip(z_stream *stream) {
    return inflateInit2(stream, 16 + MAX_WBITS);
}

// Likewise. 8 is zlib's usual memory.
static inline int collider_deflate_init_gzip(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}
