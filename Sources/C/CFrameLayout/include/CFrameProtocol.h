#pragma once

// The protocol under which one process writes the ring while others read it.
//
// A ticketed sequence lock. Frame t lies in slot t mod capacity; the slot's sequence is 2t+1 while t is being written
// and 2t+2 once it is whole. A reader that seeks t knows before its copy whether the slot holds t, and after it whether
// it still does; a lap, even an exact one, can't pass for the frame that was sought.
//
// **The payload** is copied by relaxed atomic words, because a plain copy that races with the writer is undefined
// behaviour in C11 even when its result is thrown away (Boehm, "Can seqlocks get along with programming language memory
// models?", MSPC 2012). On x86-64 words of 8 bytes are slower than memory, so there it is vectors of 16 bytes, in
// assembly, whose loads and stores the processor keeps in order as it does words (AMD64 Architecture Programmer's
// Manual, volume 2, 7.2). Where the writer streams past the cache, whose stores come in any order, fences hold them.
//
// **Bursts.** Such a fence waits until the streamed stores have reached memory, which takes as long as a frame. So up to
// CFL_BURST frames share two of them: all of their slots turn odd, fence, all of their payloads, fence, all turn even,
// and the head passes them at once.
//
// **Sleeping.** A reader that has read everything waits on the low half of `head` as on a futex. Nobody tells the
// writer that somebody waits, because readers map the file read-only; it wakes whoever there is after each batch.
//
// The functions are inline C, because Swift imports no _Atomic field and has no fence.

#include <stdbool.h>
#include <string.h>

#include "CFrameLayout.h"

static_assert(__atomic_always_lock_free(8, 0), "a lock of this process would mean nothing to the others");

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

// ---- A slot ----

static inline uint64_t cfl_ticket(uint64_t frame_id) { return 2 * frame_id + 2; }

// What a slot holds between a writer that died in it and the next frame: even, and the ticket of no frame.
enum { CFL_EMPTY = 0 };

// The words lie over floats and bytes, which only a type that may alias them is allowed to.
typedef uint64_t __attribute__((may_alias)) cfl_word;
typedef uint32_t __attribute__((may_alias)) cfl_half;

// A frame is copied word by word up to here, because its sequence isn't part of the payload, and in lines from here on.
enum { CFL_LINE = 64 };
static_assert(CFL_FRAME_SIZE % CFL_LINE == 0 && CFL_COMPACT_SIZE % CFL_LINE == 0, "frames are whole cache lines");
static_assert(CFL_HEADER_SIZE % CFL_LINE == 0, "slots begin with a cache line");

// Acquire: no part of a copy made after this look may have been read before it.
static inline uint64_t cfl_sequence(const cfl_slot *slot) {
    return __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);
}

// ---- Writing ----

/// How the writer gets a payload into the ring. Which one is the fastest depends on the machine and the ring's size.
typedef enum cfl_store_path {
    CFL_STORE_WORDS,       ///< words of 8 bytes; any processor
    CFL_STORE_VECTORS,     ///< vectors of 16 bytes
    CFL_STORE_PREFETCHED,  ///< the same, and the next slot's lines are asked for meanwhile
    CFL_STORE_STREAMED,    ///< past the cache, which saves reading lines that are overwritten whole
} cfl_store_path;

/// The fastest path for a ring of this size, found by trying them for some milliseconds on memory of the same kind.
cfl_store_path cfl_calibrate(size_t frame_size, uint64_t capacity);

/// The most frames that are written between two fences.
enum { CFL_BURST = 16 };

/// How many frames a writer of such a ring may write between two fences, at least 1. An eighth of the ring at most,
/// because what is being written can't be read.
static inline uint64_t cfl_burst(uint64_t capacity) {
    uint64_t eighth = capacity / 8;
    return eighth < 1 ? 1 : eighth < CFL_BURST ? eighth : CFL_BURST;
}

/// Marks the slot as being written. Relaxed, because cfl_begun orders it.
static inline void cfl_begin(cfl_slot *slot, uint64_t frame_id) {
    __atomic_store_n(&slot->sequence, cfl_ticket(frame_id) - 1, __ATOMIC_RELAXED);
}

// Streamed stores pass ordinary ones, in both directions.
static inline void cfl_hold_streams(void) {
#ifdef __x86_64__
    __asm__ volatile("sfence" : : : "memory");
#endif
}

/// No payload is seen before the odd sequences: whoever reads a word of a new payload and then passes an acquire fence
/// sees the odd sequence too, so that it can't take a mixture for the old frame.
static inline void cfl_begun(void) {
    __atomic_thread_fence(__ATOMIC_RELEASE);
    cfl_hold_streams();
}

/// No even sequence is seen before the payloads.
static inline void cfl_filled(void) { cfl_hold_streams(); }

/// Calls the slot whole. Release: no word of the payload may be seen later than the sequence.
static inline void cfl_end(cfl_slot *slot, uint64_t frame_id) {
    __atomic_store_n(&slot->sequence, cfl_ticket(frame_id), __ATOMIC_RELEASE);
}

static inline void cfl_store_words(char *into, const char *from, size_t size) {
    for (size_t at = 0; at < size; at += 8) {
        __atomic_store_n((cfl_word *)(into + at), *(const cfl_word *)(from + at), __ATOMIC_RELAXED);
    }
}

#ifdef __x86_64__
// A cache line, by four vectors. `move` is how they are stored.
#define CFL_MOVE_LINE(into, from, move) \
    __asm__ volatile("movdqu (%0), %%xmm0\n\tmovdqu 16(%0), %%xmm1\n\tmovdqu 32(%0), %%xmm2\n\t" \
                     "movdqu 48(%0), %%xmm3\n\t" move " %%xmm0, (%1)\n\t" move " %%xmm1, 16(%1)\n\t" \
                     move " %%xmm2, 32(%1)\n\t" move " %%xmm3, 48(%1)" \
                     : : "r"(from), "r"(into) : "xmm0", "xmm1", "xmm2", "xmm3", "memory")

static inline void cfl_prefetch(const char *slot, size_t size) {
    for (size_t at = 0; at < size; at += CFL_LINE) __asm__ volatile("prefetchw (%0)" : : "r"(slot + at));
}
#endif

// Whole cache lines, by a path.
static inline void cfl_store_lines(char *into, const char *from, size_t size, cfl_store_path path) {
#ifdef __x86_64__
    if (path == CFL_STORE_STREAMED) {
        for (size_t at = 0; at < size; at += CFL_LINE) CFL_MOVE_LINE(into + at, from + at, "movntdq");
        return;
    }
    if (path != CFL_STORE_WORDS) {
        for (size_t at = 0; at < size; at += CFL_LINE) CFL_MOVE_LINE(into + at, from + at, "movdqu");
        return;
    }
#else
    (void)path;
#endif
    cfl_store_words(into, from, size);
}

/// A frame that is to be written, in the caller's own memory.
typedef struct cfl_source {
    const cfl_slot *frame;  ///< as it lies in the ring; its sequence and frame_id are not used
    const void *payload;    ///< what follows these two, as far as it lies elsewhere
    size_t lines;           ///< how many cache lines are filled from there; those in `frame` are not looked at
} cfl_source;

// A place in a ring that may be past its end by some frames. Not by division, which takes a tenth of a frame.
static inline uint64_t cfl_wrapped(uint64_t place, uint64_t capacity) {
    while (place >= capacity) place -= capacity;
    return place;
}

// `ahead` is the slot whose turn comes next, as far as this path can tell.
static inline void cfl_fill(
    cfl_slot *slot, uint64_t frame_id, const cfl_source *source, size_t size, cfl_store_path path,
    const cfl_slot *ahead) {
    char *into = (char *)slot;
    const char *from = (const char *)source->frame;
    const char *payload = source->lines > 0 ? source->payload : from + sizeof(cfl_slot);
    size_t first = CFL_LINE - sizeof(cfl_slot), rest = source->lines > 0 ? source->lines * CFL_LINE : CFL_LINE;
#ifdef __x86_64__
    // When it streams, the line of the sequence is the only one that is not written past the cache, and the next burst
    // would wait for it.
    if (path == CFL_STORE_STREAMED) cfl_prefetch((const char *)ahead, CFL_LINE);
    if (path == CFL_STORE_PREFETCHED) cfl_prefetch((const char *)ahead, size);
#else
    (void)ahead;
#endif
    __atomic_store_n(&slot->frame_id, frame_id, __ATOMIC_RELAXED);
    cfl_store_words(into + sizeof(cfl_slot), payload, first);
    cfl_store_lines(into + CFL_LINE, payload + first, rest - CFL_LINE, path);
    cfl_store_lines(into + rest, from + rest, size - rest, path);
}

/// Writes and publishes `count` frames, at most cfl_burst of the ring's capacity.
static inline void cfl_write(cfl_header *header, const cfl_source *sources, uint64_t count, cfl_store_path path) {
    // Once, because they lie in memory that every step seems to change.
    char *slots = (char *)header + CFL_HEADER_SIZE;
    uint64_t size = header->frame_size, capacity = header->capacity, head = header->head, next = head + count;
    uint64_t first = head % capacity, ahead = path == CFL_STORE_STREAMED ? CFL_BURST : 1;
#define CFL_SLOT(place) ((cfl_slot *)(slots + cfl_wrapped(first + (place), capacity) * size))
    cfl_set_tail(header, next > capacity ? next - capacity : 0);
    for (uint64_t place = 0; place < count; place++) cfl_begin(CFL_SLOT(place), head + place);
    cfl_begun();
    for (uint64_t place = 0; place < count; place++) {
        cfl_fill(CFL_SLOT(place), head + place, sources + place, size, path, CFL_SLOT(place + ahead));
    }
    cfl_filled();
    for (uint64_t place = 0; place < count; place++) cfl_end(CFL_SLOT(place), head + place);
#undef CFL_SLOT
    cfl_publish(header, next);
}

/// Empties a slot in which a writer died. Release, like the even sequence of a frame.
static inline void cfl_empty(cfl_slot *slot) { __atomic_store_n(&slot->sequence, CFL_EMPTY, __ATOMIC_RELEASE); }

// ---- Reading ----

typedef enum cfl_copy {
    CFL_WHOLE,    ///< the frame that was sought
    CFL_GONE,     ///< the slot holds another one, or is being written
    CFL_TORN,     ///< it was overwritten during the copy
} cfl_copy;

/// Copies frame `frame_id`, `size` bytes in the ring's layout, out of its slot into the caller's own memory, which is
/// worthless unless the frame was whole.
static inline cfl_copy cfl_load(const cfl_slot *slot, uint64_t frame_id, cfl_slot *frame, size_t size) {
    uint64_t ticket = cfl_ticket(frame_id);
    if (cfl_sequence(slot) != ticket) return CFL_GONE;
    const char *from = (const char *)slot;
    char *into = (char *)frame;
#ifdef __x86_64__
    for (size_t at = 0; at < size; at += CFL_LINE) CFL_MOVE_LINE(into + at, from + at, "movdqu");
#else
    for (size_t at = 8; at < size; at += 8) {
        *(cfl_word *)(into + at) = __atomic_load_n((const cfl_word *)(from + at), __ATOMIC_RELAXED);
    }
#endif
    // Acquire: the second look at the sequence must not come before the last load of the copy. An acquire load instead
    // would keep back what comes after it, not what comes before.
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    frame->sequence = __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED);
    return frame->sequence == ticket && frame->frame_id == frame_id ? CFL_WHOLE : CFL_TORN;
}

/// Copies `size` bytes of frame `frame_id` from `offset` on, both multiples of 4, as cfl_load does the whole of it.
static inline cfl_copy cfl_load_part(
    const cfl_slot *slot, uint64_t frame_id, uint32_t offset, uint32_t size, void *part) {
    uint64_t ticket = cfl_ticket(frame_id);
    if (cfl_sequence(slot) != ticket) return CFL_GONE;
    const char *from = (const char *)slot + offset;
    char *into = (char *)part;
    uint32_t at = 0;
    while (at < size) {
        if ((offset + at) % 8 == 0 && size - at >= 8) {
            uint64_t word = __atomic_load_n((const cfl_word *)(from + at), __ATOMIC_RELAXED);
            memcpy(into + at, &word, 8);
            at += 8;
        } else {
            uint32_t half = __atomic_load_n((const cfl_half *)(from + at), __ATOMIC_RELAXED);
            memcpy(into + at, &half, 4);
            at += 4;
        }
    }
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED) == ticket ? CFL_WHOLE : CFL_TORN;
}

// ---- Sleeping ----

/// Wakes the readers that sleep in cfl_wait. Some tenths of a microsecond, so once for a batch.
void cfl_wake(const cfl_header *header);

/// Sleeps until a frame past `position` is published, a signal comes, or `timeout_us` microseconds are over; returns
/// whether there is such a frame. It may also return early for no reason. Elsewhere than on Linux it only sleeps.
bool cfl_wait(const cfl_header *header, uint64_t position, uint64_t timeout_us);

// ---- The compact embedding ----

/// Brings `count` numbers to bytes of -127 to 127; returns what to multiply those by to have the numbers back, about.
/// Each is off by at most half of that. 0 when all are 0; a number that is not finite counts as 0.
float cfl_quantize(const float *numbers, int8_t *bytes, size_t count);
