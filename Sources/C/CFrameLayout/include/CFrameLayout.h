#pragma once

// The bytes of the ring: docs/frame-format.md in C, and the one place in the sources where offsets are checked.
// CFrameProtocol.h says how they are written and read while others do the same.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CFL_VERSION = 1,          ///< of the full layout
    CFL_COMPACT_VERSION = 1,  ///< of the compact one
    CFL_DIMENSIONS = 1024,    ///< of the embedding
    CFL_HEADER_SIZE = 64,
    CFL_FRAME_SIZE = 4224,
    CFL_COMPACT_SIZE = 1152,
};

/// Bits of `flags`: how values of a frame came about.
enum {
    CFL_FLAG_SENTIMENT_GIVEN = 1,     ///< the event says its sentiment itself
    CFL_FLAG_SENTIMENT_OF_WORDS = 2,  ///< worked out of its words by the lexicon
    CFL_FLAG_EMBEDDING_LEXICAL = 4,   ///< `semantic` is of the built-in embedder
    CFL_FLAG_EMBEDDING_MODEL = 8,     ///< `semantic` is of the configured endpoint
    CFL_FLAG_EMBEDDING_STAND_IN = 16, ///< lexical, because the endpoint did not answer in time
};

static const uint64_t CFL_MAGIC = 0x5048595349435300;
static const uint64_t CFL_COMPACT_MAGIC = 0x5048595349433800;

/// The first 64 bytes of the file. `head` and what follows change; the protocol's functions read and write them.
typedef struct cfl_header {
    uint64_t magic;
    uint32_t version;
    uint32_t frame_size;
    uint64_t capacity;
    uint64_t head;            ///< frames published so far; the newest is head - 1
    uint64_t tail;            ///< the oldest frame that can still be read
    uint64_t writer_epoch;    ///< 1 for the first writer, one more at each start
    uint64_t heartbeat_us;    ///< when the writer last said that it lives, microseconds since 1970
    uint64_t reserved;
} cfl_header;

/// With what every slot begins, whatever its layout.
typedef struct cfl_slot {
    uint64_t sequence;
    uint64_t frame_id;
} cfl_slot;

/// What follows the embedding in both layouts: 112 bytes.
typedef struct cfl_numbers {
    float delta_time;
    float duration_ms;
    float velocity;
    float interrupt;
    int64_t timestamp_us;
    uint64_t conversation_hash;
    int32_t workflow_node;
    int32_t case_status;
    int32_t lead_status;
    float fill_rate;
    int32_t actor_type;
    int32_t intent_id;
    float sentiment;
    float confidence;
    float spin[4];
    uint8_t event_id[16];
    uint64_t organization_hash;
    uint16_t semantic_dimensions;
    uint16_t flags;
    float scale;              ///< compact: what the embedding's bytes are multiplied by; full: reserved, 0
} cfl_numbers;

typedef struct cfl_frame {
    cfl_slot slot;
    float semantic[CFL_DIMENSIONS];
    cfl_numbers numbers;
} cfl_frame;

typedef struct cfl_compact_frame {
    cfl_slot slot;
    int8_t semantic[CFL_DIMENSIONS];
    cfl_numbers numbers;
} cfl_compact_frame;

#define CFL_AT(type, field, place) static_assert(offsetof(type, field) == (place), #type "." #field)
CFL_AT(cfl_header, magic, 0);
CFL_AT(cfl_header, version, 8);
CFL_AT(cfl_header, frame_size, 12);
CFL_AT(cfl_header, capacity, 16);
CFL_AT(cfl_header, head, 24);
CFL_AT(cfl_header, tail, 32);
CFL_AT(cfl_header, writer_epoch, 40);
CFL_AT(cfl_header, heartbeat_us, 48);
CFL_AT(cfl_header, reserved, 56);
static_assert(sizeof(cfl_header) == CFL_HEADER_SIZE, "the size of the header");

// Every field of both layouts; the compact one lacks three quarters of the embedding, 3072 bytes.
#define CFL_IN_BOTH(field, place) \
    CFL_AT(cfl_frame, field, place); \
    CFL_AT(cfl_compact_frame, field, (place) - 3072)
CFL_AT(cfl_frame, slot.sequence, 0);
CFL_AT(cfl_frame, slot.frame_id, 8);
CFL_AT(cfl_frame, semantic, 16);
CFL_AT(cfl_compact_frame, slot.sequence, 0);
CFL_AT(cfl_compact_frame, slot.frame_id, 8);
CFL_AT(cfl_compact_frame, semantic, 16);
CFL_IN_BOTH(numbers.delta_time, 4112);
CFL_IN_BOTH(numbers.duration_ms, 4116);
CFL_IN_BOTH(numbers.velocity, 4120);
CFL_IN_BOTH(numbers.interrupt, 4124);
CFL_IN_BOTH(numbers.timestamp_us, 4128);
CFL_IN_BOTH(numbers.conversation_hash, 4136);
CFL_IN_BOTH(numbers.workflow_node, 4144);
CFL_IN_BOTH(numbers.case_status, 4148);
CFL_IN_BOTH(numbers.lead_status, 4152);
CFL_IN_BOTH(numbers.fill_rate, 4156);
CFL_IN_BOTH(numbers.actor_type, 4160);
CFL_IN_BOTH(numbers.intent_id, 4164);
CFL_IN_BOTH(numbers.sentiment, 4168);
CFL_IN_BOTH(numbers.confidence, 4172);
CFL_IN_BOTH(numbers.spin, 4176);
CFL_IN_BOTH(numbers.event_id, 4192);
CFL_IN_BOTH(numbers.organization_hash, 4208);
CFL_IN_BOTH(numbers.semantic_dimensions, 4216);
CFL_IN_BOTH(numbers.flags, 4218);
CFL_IN_BOTH(numbers.scale, 4220);
static_assert(sizeof(cfl_frame) == CFL_FRAME_SIZE, "the size of a frame");
static_assert(sizeof(cfl_compact_frame) == CFL_COMPACT_SIZE, "the size of a compact frame");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the ring is little-endian");

// Arrays of a struct reach Swift as tuples, 1024 long here; a pointer to the first element is what it needs instead.
static inline float *cfl_semantic(cfl_frame *frame) { return frame->semantic; }
static inline int8_t *cfl_compact_semantic(cfl_compact_frame *frame) { return frame->semantic; }
static inline cfl_numbers *cfl_frame_numbers(cfl_frame *frame) { return &frame->numbers; }
static inline cfl_numbers *cfl_compact_numbers(cfl_compact_frame *frame) { return &frame->numbers; }
static inline uint8_t *cfl_event_id(cfl_numbers *numbers) { return numbers->event_id; }

#include "CFrameProtocol.h"
