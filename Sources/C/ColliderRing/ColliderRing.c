#define _GNU_SOURCE
#include "ColliderRing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "CFrameLayout.h"

static const cfl_header *header_of(const cr_ring *ring) { return ring->memory; }

static const cfl_slot *slot_of(const cr_ring *ring, uint64_t slot) {
    return (const cfl_slot *)((const char *)ring->memory + CFL_HEADER_SIZE + slot * ring->frame_size);
}

uint32_t cr_interface(void) { return CR_INTERFACE; }

cr_status cr_attach(const void *memory, uint64_t length, cr_ring *ring) {
    if (length < CFL_HEADER_SIZE) return CR_NO_RING;
    const cfl_header *header = memory;
    uint64_t frame_size;
    uint32_t version;
    if (header->magic == CFL_MAGIC) {
        frame_size = CFL_FRAME_SIZE;
        version = CFL_VERSION;
    } else if (header->magic == CFL_COMPACT_MAGIC) {
        frame_size = CFL_COMPACT_SIZE;
        version = CFL_COMPACT_VERSION;
    } else {
        return CR_NO_RING;
    }
    if (header->version != version || header->frame_size != frame_size) return CR_VERSION;
    uint64_t capacity = header->capacity;
    // Divided, not multiplied: what a damaged header says must not overflow.
    uint64_t slots = (length - CFL_HEADER_SIZE) / frame_size;
    if (capacity == 0 || capacity != slots || length != CFL_HEADER_SIZE + slots * frame_size) return CR_DAMAGED;
    *ring = (cr_ring){.memory = memory, .length = length, .capacity = capacity, .frame_size = frame_size};
    return CR_OK;
}

cr_status cr_open(const char *path, cr_ring *ring) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return errno == ENOENT ? CR_MISSING : CR_SYSTEM;
    struct stat status;
    int code = fstat(descriptor, &status);
    uint64_t length = code == 0 ? (uint64_t)status.st_size : 0;
    void *memory = MAP_FAILED;
    if (code == 0 && length >= CFL_HEADER_SIZE) memory = mmap(NULL, length, PROT_READ, MAP_SHARED, descriptor, 0);
    int reason = errno;
    close(descriptor);
    errno = reason;
    if (code == 0 && length < CFL_HEADER_SIZE) return CR_NO_RING;
    if (memory == MAP_FAILED) return CR_SYSTEM;
    cr_status checked = cr_attach(memory, length, ring);
    if (checked != CR_OK) {
        munmap(memory, length);
        return checked;
    }
    ring->device = (uint64_t)status.st_dev;
    ring->inode = (uint64_t)status.st_ino;
    return CR_OK;
}

void cr_close(cr_ring *ring) {
    munmap((void *)ring->memory, ring->length);
    ring->memory = NULL;
}

uint64_t cr_head(const cr_ring *ring) { return cfl_head(header_of(ring)); }
uint64_t cr_tail(const cr_ring *ring) { return cfl_tail(header_of(ring)); }
uint64_t cr_writer_epoch(const cr_ring *ring) { return cfl_writer_epoch(header_of(ring)); }
uint64_t cr_heartbeat_us(const cr_ring *ring) { return cfl_heartbeat_us(header_of(ring)); }

// Where a copy begins and ends, the frames before it already counted as lost.
static cr_batch begin(const cr_ring *ring, uint64_t position, uint64_t limit, uint64_t *end) {
    uint64_t head = cr_head(ring);
    uint64_t oldest = head > ring->capacity ? head - ring->capacity : 0;
    cr_batch batch = {.next = position};
    if (position < oldest) {
        batch.lost = oldest - position;
        batch.next = oldest;
    }
    uint64_t there = head > batch.next ? head - batch.next : 0;
    *end = batch.next + (there < limit ? there : limit);
    return batch;
}

static void count(cr_batch *batch, cfl_copy copy) {
    batch->count += copy == CFL_WHOLE;
    batch->lost += copy != CFL_WHOLE;
    batch->torn += copy == CFL_TORN;
}

cr_batch cr_copy(const cr_ring *ring, uint64_t position, uint64_t limit, void *frames) {
    uint64_t end;
    cr_batch batch = begin(ring, position, limit, &end);
    uint64_t slot = batch.next % ring->capacity;
    for (; batch.next < end; batch.next++) {
        // A frame that wasn't whole is overwritten by the next.
        cfl_slot *into = (cfl_slot *)((char *)frames + batch.count * ring->frame_size);
        count(&batch, cfl_load(slot_of(ring, slot), batch.next, into, ring->frame_size));
        if (++slot == ring->capacity) slot = 0;
    }
    return batch;
}

cr_batch cr_copy_part(
    const cr_ring *ring, uint64_t position, uint64_t limit, uint32_t offset, uint32_t size, void *parts,
    uint64_t *frame_ids) {
    uint64_t end;
    cr_batch batch = begin(ring, position, limit, &end);
    uint64_t slot = batch.next % ring->capacity;
    for (; batch.next < end; batch.next++) {
        char *into = (char *)parts + batch.count * size;
        frame_ids[batch.count] = batch.next;
        count(&batch, cfl_load_part(slot_of(ring, slot), batch.next, offset, size, into));
        if (++slot == ring->capacity) slot = 0;
    }
    return batch;
}

bool cr_wait(const cr_ring *ring, uint64_t position, uint64_t timeout_us) {
    return cfl_wait(header_of(ring), position, timeout_us);
}

bool cr_is_replaced(const cr_ring *ring, const char *path) {
    struct stat status;
    return stat(path, &status) == 0
        && ((uint64_t)status.st_dev != ring->device || (uint64_t)status.st_ino != ring->inode);
}
