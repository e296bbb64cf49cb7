#pragma once

// The door to simdjson: one strict pass over JSON text into a flat tree.
//
// simdjson's first stage (SIMD) checks UTF-8, finds the strings and lists where every token begins. A second stage of
// our own walks that list once. It has to be ours, because simdjson's keeps neither where a value begins and ends nor
// a number's digits, and takes what SAFETY.md ("JSON at the door") refuses.
//
// The tree is an array of nodes in document order. A container is followed by its contents: an array by its elements,
// an object by key, value, key, value, …; `next` jumps over a whole subtree. A key's `next` leads back to its object
// instead (its value follows anyway), so that a guess where a member is can be checked at once. Nothing in the tree
// points into memory, so it is copied by copying its two arrays.
//
// No C++ leaves this header, and no exception leaves these functions.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CSJ_MAX_DEPTH = 64,            ///< containers inside one another
    CSJ_MAX_KEYS = 2000,           ///< members of one object
    CSJ_MAX_DIGITS = 40,           ///< significant digits of a number
    CSJ_MAX_EXPONENT = 308,        ///< of ten, either way
    CSJ_MAX_LENGTH = 64 << 20,     ///< bytes of text
};

typedef enum csj_code {
    CSJ_OK = 0,
    CSJ_EMPTY,               ///< nothing but whitespace
    CSJ_SYNTAX,              ///< not JSON by RFC 8259
    CSJ_TRAILING,            ///< something after the value
    CSJ_DEPTH,               ///< the opening bracket that is one too deep
    CSJ_KEYS,                ///< the key that is one too many
    CSJ_DUPLICATE_KEY,       ///< a key that the same object already has, byte for byte
    CSJ_NUL_CHARACTER,       ///< \u0000, which jsonb refuses
    CSJ_LONE_SURROGATE,      ///< half of a UTF-16 pair
    CSJ_CONTROL_CHARACTER,   ///< below U+0020 and not escaped
    CSJ_BYTE_ORDER_MARK,     ///< at the start, UTF-8 or UTF-16
    CSJ_UTF8,                ///< the first byte of an ill-formed sequence
    CSJ_DIGITS,              ///< the digit that is one too many
    CSJ_EXPONENT,            ///< a number that no double holds
    CSJ_TOO_LARGE,           ///< longer than CSJ_MAX_LENGTH
    CSJ_NO_MEMORY,
} csj_code;

typedef enum csj_kind {
    CSJ_NULL,
    CSJ_FALSE,
    CSJ_TRUE,
    CSJ_INT64,    ///< written without '.' and exponent; `bits` holds the value
    CSJ_UINT64,   ///< the same, above INT64_MAX
    CSJ_DOUBLE,   ///< every other number; `bits` holds the nearest double
    CSJ_STRING,   ///< `bits` is 0 where the text has no escapes, else its place in `csj_tree.text`
    CSJ_ARRAY,    ///< `bits` holds the number of elements
    CSJ_OBJECT,   ///< `bits` holds the number of members
} csj_kind;

typedef struct csj_node {
    uint64_t bits;    ///< by kind; a string with escapes: start in the high half, length (at least 1) in the low
    uint32_t start;   ///< first byte in the source
    uint32_t end;     ///< one past the last byte in the source
    uint32_t next;    ///< index of the node after this subtree; of a key, which has none, that of its object
    uint32_t kind;    ///< a csj_kind
} csj_node;

typedef struct csj_tree {
    const csj_node *nodes;
    size_t node_count;
    const uint8_t *text;    ///< unescaped strings, end to end; only of those that have escapes
    size_t text_length;
    size_t error_offset;    ///< the byte that a code other than CSJ_OK is about
} csj_tree;

/// Parses `length` bytes, which need no padding and are only read. The tree's arrays belong to the calling thread and
/// are valid until its next csj_parse or csj_release: copy them at once.
csj_code csj_parse(const uint8_t *bytes, size_t length, csj_tree *tree);

/// Gives back what an unusually large document left behind; small buffers stay for the thread's next parse.
void csj_release(void);

#ifdef __cplusplus
}
#endif
