// Including the header makes the compiler check its assertions once by itself.
#define _GNU_SOURCE
#include "CFrameLayout.h"

#include <limits.h>
#include <math.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif
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
    uint64_t head = cfl_head(header);
    if (head > position) return true;
    struct timespec timeout = {(time_t)(timeout_us / 1000000), (long)(timeout_us % 1000000) * 1000};
#ifdef __linux__
    // The kernel compares and goes to sleep in one step, so that no frame is missed that comes in between. The head and
    // not the position, because it puts nobody to sleep who waits for a value that isn't there.
    syscall(SYS_futex, futex_of(header), FUTEX_WAIT, (uint32_t)head, &timeout, NULL, 0);
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
    // Shared and without a file: the same kind of memory as a ring in /dev/shm, with pages of the same size. A frame
    // lies after the last slot.
    size_t length = CFL_HEADER_SIZE + (slots + 1) * frame_size;
    cfl_header *ring = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (ring == MAP_FAILED) return CFL_STORE_VECTORS;
    memset(ring, 1, length);
    *ring = (cfl_header){.frame_size = (uint32_t)frame_size, .capacity = slots};
    cfl_source burst[CFL_BURST];
    for (int place = 0; place < CFL_BURST; place++) {
        burst[place] = (cfl_source){.frame = (cfl_slot *)((char *)ring + length - frame_size)};
    }
    cfl_store_path fastest = CFL_STORE_VECTORS;
    double least = 1e9;
    for (int round = 0; round < 2; round++) {
        for (cfl_store_path path = CFL_STORE_VECTORS; path <= CFL_STORE_STREAMED; path++) {
            double start = seconds();
            for (size_t done = 0; done < slots; done += CFL_BURST) cfl_write(ring, burst, CFL_BURST, path);
            double taken = seconds() - start;
            if (taken < least) {
                least = taken;
                fastest = path;
            }
        }
    }
    munmap(ring, length);
    return fastest;
#else
    (void)frame_size;
    (void)capacity;
    return CFL_STORE_WORDS;
#endif
}

// ---- The compact embedding ----

// Magnitudes as bits order like the numbers; from here on they are no finite ones.
static const uint32_t infinite_bits = 0x7F800000;

static uint32_t magnitude_bits(float number) {
    uint32_t bits;
    memcpy(&bits, &number, 4);
    return bits & 0x7FFFFFFF;
}

static float greatest_finite(const float *numbers, size_t count) {
    uint32_t greatest = 0;
    for (size_t place = 0; place < count; place++) {
        uint32_t bits = magnitude_bits(numbers[place]);
        if (bits < infinite_bits && bits > greatest) greatest = bits;
    }
    float magnitude;
    memcpy(&magnitude, &greatest, 4);
    return magnitude;
}

// Numbers so small that their scale has no reciprocal are as good as 0.
static float scale_of(float magnitude) { return magnitude / 127 < 1e-37f ? 0 : magnitude / 127; }

static void round_to_bytes(const float *numbers, int8_t *bytes, size_t count, float factor) {
    for (size_t place = 0; place < count; place++) {
        bool is_finite = magnitude_bits(numbers[place]) < infinite_bits;
        bytes[place] = is_finite ? (int8_t)rintf(numbers[place] * factor) : 0;
    }
}

#ifdef __x86_64__
// Whole embeddings of finite numbers, three times as fast as by the loops above, of which compilers don't make vectors,
// and six times where the processor has vectors of 64 bytes. Both return false when a number is not finite, or when
// `count` is not a multiple of theirs.

__attribute__((target("avx512bw"))) static bool quantize_by_64(
    const float *numbers, int8_t *bytes, size_t count, float *scale) {
    if (count % 64 != 0) return false;
    // Four at a time, because each waits for what it is compared with.
    __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF), most[4] = {0};
    for (size_t place = 0; place < count; place += 64) {
        for (int lane = 0; lane < 4; lane++) {
            __m512i number = _mm512_loadu_si512(numbers + place + 16 * lane);
            most[lane] = _mm512_max_epu32(most[lane], _mm512_and_si512(number, magnitude));
        }
    }
    __m512i greatest_bits = _mm512_max_epu32(_mm512_max_epu32(most[0], most[1]), _mm512_max_epu32(most[2], most[3]));
    uint32_t bits = _mm512_reduce_max_epu32(greatest_bits);
    if (bits >= infinite_bits) return false;
    float greatest;
    memcpy(&greatest, &bits, 4);
    *scale = scale_of(greatest);
    if (*scale == 0) {
        memset(bytes, 0, count);
        return true;
    }
    __m512 factor = _mm512_set1_ps(1 / *scale);
    // Packing works in quarters of 16 bytes; this brings what it mixed back into order.
    __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (size_t place = 0; place < count; place += 64) {
        __m512i part[4];
        for (int lane = 0; lane < 4; lane++) {
            part[lane] = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(numbers + place + 16 * lane), factor));
        }
        __m512i low = _mm512_packs_epi32(part[0], part[1]), high = _mm512_packs_epi32(part[2], part[3]);
        __m512i packed = _mm512_packs_epi16(low, high);
        _mm512_storeu_si512(bytes + place, _mm512_permutexvar_epi32(order, packed));
    }
    return true;
}

__attribute__((target("avx2"))) static bool quantize_by_32(
    const float *numbers, int8_t *bytes, size_t count, float *scale) {
    if (count % 32 != 0) return false;
    __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF), most = _mm256_setzero_si256();
    for (size_t place = 0; place < count; place += 8) {
        __m256i bits = _mm256_loadu_si256((const __m256i *)(numbers + place));
        most = _mm256_max_epu32(most, _mm256_and_si256(bits, magnitude));
    }
    float lanes[8];
    _mm256_storeu_si256((__m256i *)lanes, most);
    for (size_t lane = 0; lane < 8; lane++) {
        if (magnitude_bits(lanes[lane]) >= infinite_bits) return false;
    }
    *scale = scale_of(greatest_finite(lanes, 8));
    if (*scale == 0) {
        memset(bytes, 0, count);
        return true;
    }
    __m256 factor = _mm256_set1_ps(1 / *scale);
    // Packing works in halves of 16 bytes; this brings what it mixed back into order.
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (size_t place = 0; place < count; place += 32) {
        const float *from = numbers + place;
        __m256i first = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from), factor));
        __m256i second = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from + 8), factor));
        __m256i third = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from + 16), factor));
        __m256i fourth = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(from + 24), factor));
        __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(first, second), _mm256_packs_epi32(third, fourth));
        _mm256_storeu_si256((__m256i *)(bytes + place), _mm256_permutevar8x32_epi32(packed, order));
    }
    return true;
}
#endif

float cfl_quantize(const float *numbers, int8_t *bytes, size_t count) {
    float scale;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512bw") && quantize_by_64(numbers, bytes, count, &scale)) return scale;
    if (__builtin_cpu_supports("avx2") && quantize_by_32(numbers, bytes, count, &scale)) return scale;
#endif
    scale = scale_of(greatest_finite(numbers, count));
    if (scale == 0) {
        memset(bytes, 0, count);
        return 0;
    }
    round_to_bytes(numbers, bytes, count, 1 / scale);
    return scale;
}
