#include "ColliderRing.h"

// Some microseconds: about as long as it takes to fall asleep and be woken.
static const int looks = 64;

static void pause_briefly(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// Whether there is a frame at the position; looks a while, then sleeps.
static bool wait_for(const cr_ring *ring, uint64_t position, uint64_t timeout_us) {
    if (cr_head(ring) > position) return true;
    if (timeout_us == 0) return false;
    for (int look = 0; look < looks; look++) {
        pause_briefly();
        if (cr_head(ring) > position) return true;
    }
    return cr_wait(ring, position, timeout_us);
}

uint64_t cr_next(
    const cr_ring *ring, uint64_t position, uint64_t limit, void *frames, uint64_t timeout_us, cr_batch *batch) {
    bool is_there = wait_for(ring, position, timeout_us);
    *batch = is_there ? cr_copy(ring, position, limit, frames) : (cr_batch){.next = position};
    return batch->count;
}
