#pragma once

// libcolliderring: reads Collider's ring (docs/frame-format.md) from any language that can call C.
//
//     cr_ring ring;
//     if (cr_open("/dev/shm/collider", &ring) != CR_OK) …
//     uint64_t position = cr_tail(&ring);
//     while (cr_wait(&ring, position, 250000) || !cr_is_replaced(&ring, "/dev/shm/collider")) {
//         cr_batch batch = cr_copy(&ring, position, 256, frames);
//         position = batch.next;
//         …                                    // batch.count whole frames, batch.lost that were overwritten
//     }
//     cr_close(&ring);
//
// Nothing here keeps state but the mapping, so any number of threads may use one ring at once. Only cr_close must come
// after everything else.

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CR_INTERFACE = 2 };  ///< counts changes of this header that a caller has to know of

typedef enum cr_status {
    CR_OK,
    CR_MISSING,   ///< no file
    CR_SYSTEM,    ///< the system refused; errno says why
    CR_NO_RING,   ///< something else's file
    CR_VERSION,   ///< a ring of another version
    CR_DAMAGED,   ///< the size doesn't fit what the header says
} cr_status;

/// A ring in memory. The caller's; its fields are for reading.
typedef struct cr_ring {
    const void *memory;    ///< the file, read-only
    uint64_t length;       ///< bytes
    uint64_t capacity;     ///< slots
    uint64_t frame_size;   ///< bytes: 4224, or 1152 of a compact ring
    uint64_t device;       ///< which file it is; 0 when the memory was the caller's
    uint64_t inode;
} cr_ring;

/// What a copy gave. count + lost is how far the reader got: next minus the position that it asked for.
typedef struct cr_batch {
    uint64_t count;   ///< whole frames, which lie one after another in the caller's memory
    uint64_t lost;    ///< frames that were overwritten before they were copied
    uint64_t torn;    ///< those of the lost that were overwritten while they were copied
    uint64_t next;    ///< the position to go on from
} cr_batch;

/// CR_INTERFACE of the library that was loaded.
uint32_t cr_interface(void);

/// Maps the ring at a path, and checks its header.
cr_status cr_open(const char *path, cr_ring *ring);

/// Checks a ring that the caller has mapped; cr_close must not be called for it.
cr_status cr_attach(const void *memory, uint64_t length, cr_ring *ring);

/// Gives the mapping back.
void cr_close(cr_ring *ring);

/// How many frames were published so far: the id of the next one.
uint64_t cr_head(const cr_ring *ring);
/// The id of the oldest frame that can still be read.
uint64_t cr_tail(const cr_ring *ring);
/// The number of the writer: 1 for the ring's first, one more at each start.
uint64_t cr_writer_epoch(const cr_ring *ring);
/// When the writer last said that it lives, microseconds since 1970.
uint64_t cr_heartbeat_us(const cr_ring *ring);

/// Copies the published frames from `position` on, at most `limit`, into `frames`, which has room for so many.
///
/// Every frame that is copied was validated: it is one whole frame, and the one that was sought.
cr_batch cr_copy(const cr_ring *ring, uint64_t position, uint64_t limit, void *frames);

/// Copies one part of each frame, `size` bytes from `offset` on, both multiples of 4 and inside of the frame, and the
/// frames' ids. Reads no more memory than that, so the numbers cost a tenth of the whole frame.
cr_batch cr_copy_part(
    const cr_ring *ring, uint64_t position, uint64_t limit, uint32_t offset, uint32_t size, void *parts,
    uint64_t *frame_ids);

/// Sleeps until there is a frame at `position`, a signal comes, or the time is over; returns whether there is one.
/// It may return early for no reason. Costs no processor time meanwhile.
bool cr_wait(const cr_ring *ring, uint64_t position, uint64_t timeout_us);

/// Waits for a frame at `position` as cr_wait does, after it has looked for some microseconds; then copies as cr_copy
/// does. One call, for languages in which each takes long. Returns how many frames it copied, as `batch` says too.
uint64_t cr_next(
    const cr_ring *ring, uint64_t position, uint64_t limit, void *frames, uint64_t timeout_us, cr_batch *batch);

/// Whether another file has taken the path. A missing one doesn't count: its writer may return.
bool cr_is_replaced(const cr_ring *ring, const char *path);

#ifdef __cplusplus
}
#endif
