#pragma once

// Shared by the files of the second stage: how each of them reports, and how bytes are classed.

#include "CSimdJSON.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace csj {

struct Source {
    const uint8_t *bytes;
    size_t length;

    /// The byte at an offset, and 0 at the end; no token begins or continues with a 0.
    uint8_t operator[](size_t offset) const { return offset < length ? bytes[offset] : 0; }
};

struct Outcome {
    csj_code code = CSJ_OK;
    size_t offset = 0;

    explicit operator bool() const { return code == CSJ_OK; }
};

inline bool is_whitespace(uint8_t byte) {
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

inline bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/// Whether a number or a literal may end before this offset.
inline bool ends_token(Source source, size_t offset) {
    if (offset >= source.length) return true;
    const uint8_t byte = source.bytes[offset];
    return is_whitespace(byte) || byte == ',' || byte == ']' || byte == '}' || byte == ':' || byte == '[' ||
           byte == '{';
}

/// Reads the number that begins at `start` into `node` (kind, bits, end).
Outcome scan_number(Source source, size_t start, csj_node &node);

/// Appends the unescaped text of [begin, end), which has a backslash, to `text`.
Outcome unescape(Source source, size_t begin, size_t end, std::vector<uint8_t> &text);

/// Finds what the first stage complained about, which it doesn't say; byte by byte, for broken input only.
Outcome locate(Source source);

}  // namespace csj
