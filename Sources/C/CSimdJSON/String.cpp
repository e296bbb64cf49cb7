#include "Scan.hpp"

#include <cstring>

// RFC 8259 §7. The first stage has shown that the bytes are well-formed UTF-8 and hold no bare control characters, so
// only escapes can go wrong: one that doesn't exist, half a surrogate pair, and the NUL that jsonb can't store.

namespace csj {
namespace {

/// The value of four hexadecimal digits, or -1.
int32_t hexadecimal(Source source, size_t at, size_t end) {
    if (end - at < 4) return -1;
    int32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) {
        const uint8_t byte = source[i];
        const uint8_t lower = byte | 0x20;
        if (is_digit(byte)) {
            value = value * 16 + (byte - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            value = value * 16 + (lower - 'a' + 10);
        } else {
            return -1;
        }
    }
    return value;
}

void append_utf8(uint32_t scalar, std::vector<uint8_t> &text) {
    if (scalar < 0x80) {
        text.push_back(uint8_t(scalar));
    } else if (scalar < 0x800) {
        text.push_back(uint8_t(0xC0 | scalar >> 6));
        text.push_back(uint8_t(0x80 | (scalar & 0x3F)));
    } else if (scalar < 0x10000) {
        text.push_back(uint8_t(0xE0 | scalar >> 12));
        text.push_back(uint8_t(0x80 | (scalar >> 6 & 0x3F)));
        text.push_back(uint8_t(0x80 | (scalar & 0x3F)));
    } else {
        text.push_back(uint8_t(0xF0 | scalar >> 18));
        text.push_back(uint8_t(0x80 | (scalar >> 12 & 0x3F)));
        text.push_back(uint8_t(0x80 | (scalar >> 6 & 0x3F)));
        text.push_back(uint8_t(0x80 | (scalar & 0x3F)));
    }
}

/// Reads the `\u` at `at`, and the second half of a pair where it begins one; leaves `at` behind what it read.
Outcome unescape_unicode(Source source, size_t &at, size_t end, std::vector<uint8_t> &text) {
    const int32_t unit = hexadecimal(source, at + 2, end);
    if (unit < 0) return {CSJ_SYNTAX, at};
    if (unit == 0) return {CSJ_NUL_CHARACTER, at};
    if (unit < 0xD800 || unit > 0xDFFF) {
        append_utf8(uint32_t(unit), text);
        at += 6;
        return {};
    }
    if (unit > 0xDBFF) return {CSJ_LONE_SURROGATE, at};
    if (end - at < 8 || source[at + 6] != '\\' || source[at + 7] != 'u') return {CSJ_LONE_SURROGATE, at};
    const int32_t low = hexadecimal(source, at + 8, end);
    if (low < 0) return {CSJ_SYNTAX, at + 6};
    if (low < 0xDC00 || low > 0xDFFF) return {CSJ_LONE_SURROGATE, at};
    append_utf8(0x10000 + (uint32_t(unit - 0xD800) << 10 | uint32_t(low - 0xDC00)), text);
    at += 12;
    return {};
}

/// What the letter after a backslash stands for, or 0.
uint8_t simple_escape(uint8_t letter) {
    switch (letter) {
        case '"': return '"';
        case '\\': return '\\';
        case '/': return '/';
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return 0;
    }
}

}  // namespace

Outcome unescape(Source source, size_t begin, size_t end, std::vector<uint8_t> &text) {
    size_t at = begin;
    while (at < end) {
        const void *found = std::memchr(source.bytes + at, '\\', end - at);
        const size_t escape = found ? size_t(static_cast<const uint8_t *>(found) - source.bytes) : end;
        text.insert(text.end(), source.bytes + at, source.bytes + escape);
        at = escape;
        if (at == end) break;
        if (at + 1 < end && source[at + 1] == 'u') {
            if (Outcome outcome = unescape_unicode(source, at, end, text); !outcome) return outcome;
            continue;
        }
        const uint8_t byte = at + 1 < end ? simple_escape(source[at + 1]) : 0;
        if (byte == 0) return {CSJ_SYNTAX, at};
        text.push_back(byte);
        at += 2;
    }
    return {};
}

}  // namespace csj
