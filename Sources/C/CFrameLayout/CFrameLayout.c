// Including the header makes the compiler check its assertions once by itself.
#define _GNU_SOURCE
#include "CFrameLayout.h"

#include <limits.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

// ---- Sleeping ----

// The low half of the head, the processor being little-endian. A wait for one that is 2^32 frames on would sleep, until
// its timeout.
static uint32_t *futex_of(const cfl_header *header) { return (uint32_t *)&header->head; }

void cfl_wake(const cfl_header *header) {
#ifdef __linux__
    syscall(SYS_futex, futex_of(header), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
#else
    (void)header;
#endif
}

bool cfl_wait(const cfl_header *header, uint64_t position, uint64_t timeout_us) {
    if (cfl_head(header) > position) return true;
    struct timespec timeout = {(time_t)(timeout_us / 1000000), (long)(timeout_us % 1000000) * 1000};
#ifdef __linux__
    // The kernel compares and goes to sleep in one step, so that no frame is missed that comes in between.
    syscall(SYS_futex, futex_of(header), FUTEX_WAIT, (uint32_t)position, &timeout, NULL, 0);
#else
    nanosleep(&timeout, NULL);
#endif
    return cfl_head(header) > position;
}

// ---- Calibration ----

static const size_t calibrated_bytes = 64 << 20;
// Less than this stays in the second-level cache, where there is nothing to ask for in advance, nor to go past.
static const size_t cached_bytes = 1 << 20;

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

cfl_store_path cfl_calibrate(size_t frame_size, uint64_t capacity) {
#ifdef __x86_64__
    if (frame_size * capacity < cached_bytes) return CFL_STORE_VECTORS;
    size_t slots = calibrated_bytes / frame_size < capacity ? calibrated_bytes / frame_size : (size_t)capacity;
    // Shared and without a file: the same kind of memory as a ring in /dev/shm, with pages of the same size.
    size_t length = (slots + 1) * frame_size;
    char *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return CFL_STORE_VECTORS;
    memset(memory, 1, length);
    cfl_slot *frame = (cfl_slot *)(memory + slots * frame_size);
    cfl_store_path fastest = CFL_STORE_VECTORS;
    double least = 1e9;
    for (int round = 0; round < 2; round++) {
        for (cfl_store_path path = CFL_STORE_VECTORS; path <= CFL_STORE_STREAMED; path++) {
            double start = seconds();
            for (size_t slot = 0; slot < slots; slot++) {
                cfl_slot *into = (cfl_slot *)(memory + slot * frame_size);
                cfl_slot *next = (cfl_slot *)(memory + (slot + 1) % slots * frame_size);
                cfl_store(into, frame, frame_size, path, next);
            }
            double taken = seconds() - start;
            if (taken < least) {
                least = taken;
                fastest = path;
            }
        }
    }
    munmap(memory, length);
    return fastest;
#else
    (void)frame_size;
    (void)capacity;
    return CFL_STORE_WORDS;
#endif
}

// ---- The compact embedding ----

// Written so that compilers make vectors of both loops: the greatest magnitude is found among the bits, which order like
// the numbers without their signs, and rounding is left to an addition that pushes the fraction out.
float cfl_quantize(const float *numbers, int8_t *bytes, size_t count) {
    static const uint32_t infinite = 0x7F800000;
    uint32_t greatest = 0;
    for (size_t place = 0; place < count; place++) {
        uint32_t bits;
        memcpy(&bits, &numbers[place], 4);
        bits &= 0x7FFFFFFF;
        bits = bits < infinite ? bits : 0;
        greatest = bits > greatest ? bits : greatest;
    }
    float magnitude;
    memcpy(&magnitude, &greatest, 4);
    float scale = magnitude / 127;
    // Numbers so small that their scale has no reciprocal are as good as 0.
    if (!(scale >= 1e-37f)) {
        memset(bytes, 0, count);
        return 0;
    }
    float factor = 1 / scale;
    for (size_t place = 0; place < count; place++) {
        uint32_t bits;
        memcpy(&bits, &numbers[place], 4);
        // 1.5 * 2^23 leaves no room for a fraction in the 24 bits, and the rounded number in the lowest ones.
        float shifted = numbers[place] * factor + 12582912.0f;
        uint32_t rounded;
        memcpy(&rounded, &shifted, 4);
        bytes[place] = (bits & 0x7FFFFFFF) < infinite ? (int8_t)(uint8_t)rounded : 0;
    }
    return scale;
}
