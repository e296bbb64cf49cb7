#pragma once

// The bytes of the ring (docs/frame-format.md), and the protocol under which one process writes them while others read.
//
// A ticketed sequence lock. Frame t lies in slot t mod capacity; the slot's sequence is 2t+1 while t is being written
// and 2t+2 once it is whole. A reader that seeks t knows before its copy whether the slot holds t, and after it whether
// it still does; a lap, even an exact one, can't pass for the frame that was sought.
//
// The payload is copied in words by relaxed atomic loads and stores, because a plain copy that races with the writer is
// undefined behaviour in C11 even when its result is thrown away (Boehm, "Can seqlocks get along with programming
// language memory models?", MSPC 2012). On x86-64 and AArch64 such a load or store is an ordinary one. The functions
// are inline C, because Swift imports no _Atomic field and has no fence.

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    CFL_VERSION = 1,
    CFL_DIMENSIONS = 1024,    ///< of the embedding
    CFL_HEADER_SIZE = 64,
    CFL_FRAME_SIZE = 4224,
};

static const uint64_t CFL_MAGIC = 0x5048595349435300;

/// The first 64 bytes of the file. `head` and what follows change; read and write them by the functions below.
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

typedef struct cfl_frame {
    uint64_t sequence;
    uint64_t frame_id;
    float semantic[CFL_DIMENSIONS];
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
    uint32_t reserved;
} cfl_frame;

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
CFL_AT(cfl_frame, sequence, 0);
CFL_AT(cfl_frame, frame_id, 8);
CFL_AT(cfl_frame, semantic, 16);
CFL_AT(cfl_frame, delta_time, 4112);
CFL_AT(cfl_frame, duration_ms, 4116);
CFL_AT(cfl_frame, velocity, 4120);
CFL_AT(cfl_frame, interrupt, 4124);
CFL_AT(cfl_frame, timestamp_us, 4128);
CFL_AT(cfl_frame, conversation_hash, 4136);
CFL_AT(cfl_frame, workflow_node, 4144);
CFL_AT(cfl_frame, case_status, 4148);
CFL_AT(cfl_frame, lead_status, 4152);
CFL_AT(cfl_frame, fill_rate, 4156);
CFL_AT(cfl_frame, actor_type, 4160);
CFL_AT(cfl_frame, intent_id, 4164);
CFL_AT(cfl_frame, sentiment, 4168);
CFL_AT(cfl_frame, confidence, 4172);
CFL_AT(cfl_frame, spin, 4176);
CFL_AT(cfl_frame, event_id, 4192);
CFL_AT(cfl_frame, organization_hash, 4208);
CFL_AT(cfl_frame, semantic_dimensions, 4216);
CFL_AT(cfl_frame, flags, 4218);
CFL_AT(cfl_frame, reserved, 4220);
static_assert(sizeof(cfl_frame) == CFL_FRAME_SIZE, "the size of a frame");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the ring is little-endian");
static_assert(__atomic_always_lock_free(8, 0), "a lock of this process would mean nothing to the others");

// Arrays of a struct reach Swift as tuples, 1024 long here; a pointer to the first element is what it needs instead.
static inline float *cfl_semantic(cfl_frame *frame) { return frame->semantic; }
static inline float *cfl_spin(cfl_frame *frame) { return frame->spin; }
static inline uint8_t *cfl_event_id(cfl_frame *frame) { return frame->event_id; }

// ---- The header ----

// Acquire pairs with the release in cfl_publish: whoever sees a head sees the frames below it whole.
static inline uint64_t cfl_head(const cfl_header *header) { return __atomic_load_n(&header->head, __ATOMIC_ACQUIRE); }

// Relaxed for these three: each is a number by itself, from which no other is concluded.
static inline uint64_t cfl_tail(const cfl_header *header) { return __atomic_load_n(&header->tail, __ATOMIC_RELAXED); }
static inline uint64_t cfl_writer_epoch(const cfl_header *header) {
    return __atomic_load_n(&header->writer_epoch, __ATOMIC_RELAXED);
}
static inline uint64_t cfl_heartbeat_us(const cfl_header *header) {
    return __atomic_load_n(&header->heartbeat_us, __ATOMIC_RELAXED);
}
static inline void cfl_set_writer_epoch(cfl_header *header, uint64_t epoch) {
    __atomic_store_n(&header->writer_epoch, epoch, __ATOMIC_RELAXED);
}
static inline void cfl_beat(cfl_header *header, uint64_t now_us) {
    __atomic_store_n(&header->heartbeat_us, now_us, __ATOMIC_RELAXED);
}

// Before a slot is overwritten: the frame in it stops being the oldest readable one. Relaxed, because it is a hint
// where to begin; what decides is the sequence.
static inline void cfl_set_tail(cfl_header *header, uint64_t tail) {
    __atomic_store_n(&header->tail, tail, __ATOMIC_RELAXED);
}

// After a frame is whole. Release: the frame must be seen by whoever sees the head.
static inline void cfl_publish(cfl_header *header, uint64_t head) {
    __atomic_store_n(&header->head, head, __ATOMIC_RELEASE);
}

// ---- A frame ----

static inline uint64_t cfl_ticket(uint64_t frame_id) { return 2 * frame_id + 2; }

// What a slot holds between a writer that died in it and the next frame: even, and the ticket of no frame.
enum { CFL_EMPTY = 0 };

/// The words of a frame after its sequence.
enum { CFL_WORDS = CFL_FRAME_SIZE / 8 - 1 };

// The words lie over floats and bytes, which only a type that may alias them is allowed to.
typedef uint64_t __attribute__((may_alias)) cfl_word;

// Acquire: no part of a copy made after this look may have been read before it.
static inline uint64_t cfl_sequence(const cfl_frame *slot) {
    return __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);
}

/// Marks the slot as being written. The first step of cfl_store, by itself so that tests can stop after it.
static inline void cfl_begin(cfl_frame *slot, uint64_t frame_id) {
    // Relaxed, because the fence orders it: whoever reads a word of the new payload and then passes an acquire fence
    // sees the odd sequence too, so that it can't take a mixture for the old frame.
    __atomic_store_n(&slot->sequence, cfl_ticket(frame_id) - 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

/// Writes a frame into its slot: odd, payload, even. `frame` is the caller's own memory; its sequence is not used.
static inline void cfl_store(cfl_frame *slot, const cfl_frame *frame) {
    uint64_t frame_id = frame->frame_id;
    cfl_begin(slot, frame_id);
    cfl_word *into = (cfl_word *)slot + 1;
    const cfl_word *from = (const cfl_word *)frame + 1;
    for (size_t word = 0; word < CFL_WORDS; word++) __atomic_store_n(&into[word], from[word], __ATOMIC_RELAXED);
    // Release: no word of the payload may be seen later than the sequence that calls it whole.
    __atomic_store_n(&slot->sequence, cfl_ticket(frame_id), __ATOMIC_RELEASE);
}

/// Empties a slot in which a writer died. Release, like the even sequence of a frame.
static inline void cfl_empty(cfl_frame *slot) { __atomic_store_n(&slot->sequence, CFL_EMPTY, __ATOMIC_RELEASE); }

typedef enum cfl_copy {
    CFL_WHOLE,    ///< the frame that was sought
    CFL_GONE,     ///< the slot holds another one, or is being written
    CFL_TORN,     ///< it was overwritten during the copy
} cfl_copy;

/// Copies frame `frame_id` out of its slot into the caller's own memory, which is worthless unless the frame was whole.
static inline cfl_copy cfl_load(const cfl_frame *slot, uint64_t frame_id, cfl_frame *frame) {
    uint64_t ticket = cfl_ticket(frame_id);
    if (cfl_sequence(slot) != ticket) return CFL_GONE;
    const cfl_word *from = (const cfl_word *)slot + 1;
    cfl_word *into = (cfl_word *)frame + 1;
    for (size_t word = 0; word < CFL_WORDS; word++) into[word] = __atomic_load_n(&from[word], __ATOMIC_RELAXED);
    // Acquire: the second look at the sequence must not come before the last load of the copy. An acquire load instead
    // would keep back what comes after it, not what comes before.
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    frame->sequence = __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED);
    return frame->sequence == ticket && frame->frame_id == frame_id ? CFL_WHOLE : CFL_TORN;
}
