#include "Scan.hpp"

// The first stage tells that something is wrong, for speed not where. On that path only, a plain scan finds the first
// place that is.

namespace csj {
namespace {

/// The length of the well-formed UTF-8 sequence at an offset, or 0 (The Unicode Standard, table 3-7).
size_t sequence_length(Source source, size_t at) {
    const uint8_t lead = source[at];
    if (lead < 0x80) return 1;
    size_t length = 0;
    uint8_t low = 0x80, high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
        length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        length = 3;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        length = 4;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; ++i) {
        const uint8_t byte = source[at + i];
        if (byte < low || byte > high) return 0;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

}  // namespace

Outcome locate(Source source) {
    bool in_string = false;
    size_t opened = 0;
    for (size_t at = 0; at < source.length;) {
        const uint8_t byte = source[at];
        const size_t length = sequence_length(source, at);
        if (length == 0) return {CSJ_UTF8, at};
        if (in_string && byte < 0x20) return {CSJ_CONTROL_CHARACTER, at};
        if (byte == '\\') {
            if (!in_string) return {CSJ_SYNTAX, at};
            // The escaped byte is looked at here, because it could be a quote; whether it is one that may be escaped
            // is for the second stage.
            if (at + 1 < source.length && source[at + 1] >= 0x20 && source[at + 1] < 0x80) ++at;
        } else if (byte == '"') {
            in_string = !in_string;
            opened = at;
        }
        at += length;
    }
    return {CSJ_SYNTAX, in_string ? opened : source.length};
}

}  // namespace csj
