// Reads and writes a ring in C, for the benchmarks and for the tests of torn frames.
//
//     ring memcpy PATH FRAMES          copies frames over the ring's slots, without the protocol: what memory allows
//     ring store PATH FRAMES           publishes such frames by the protocol, by the path that is the fastest here
//     ring copy PATH BATCH FRAMES      copies the ring's frames out, validated, in batches, around and around
//     ring read PATH UNTIL             reads what ring-load writes, and looks for mixtures of two frames
//     ring publish PATH FRAMES PAUSE   publishes frames with the time in them, PAUSE microseconds apart, waking readers
//     ring receive PATH FRAMES         waits for those, and prints how many nanoseconds each was on its way
//
// Each prints one JSON object.
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "CFrameLayout.h"
#include "ColliderRing.h"

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static cr_ring open_ring(const char *path) {
    cr_ring ring;
    cr_status status = cr_open(path, &ring);
    if (status != CR_OK) {
        fprintf(stderr, "can't open %s: status %d\n", path, status);
        exit(1);
    }
    return ring;
}

static cfl_header *map_for_writing(const char *path) {
    int descriptor = open(path, O_RDWR);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) != 0) fail(path);
    void *memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) fail("mmap");
    close(descriptor);
    return memory;
}

static void *frames_of(uint64_t count, uint64_t size) {
    void *frames = aligned_alloc(64, count * size);
    if (!frames) fail("aligned_alloc");
    memset(frames, 1, count * size);
    return frames;
}

static void report(uint64_t frames, uint64_t start, uint64_t cpu) {
    printf("{\"frames\": %" PRIu64 ", \"seconds\": %.9f, \"cpu_seconds\": %.9f}\n", frames,
           (double)(nanoseconds(CLOCK_MONOTONIC) - start) * 1e-9,
           (double)(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e-9);
}

static void overwrite(const char *path, uint64_t count) {
    cfl_header *header = map_for_writing(path);
    uint64_t size = header->frame_size, capacity = header->capacity;
    char *slots = (char *)header + CFL_HEADER_SIZE, *frame = frames_of(1, size);
    // Every page once, so that both writers find them mapped.
    for (uint64_t slot = 0; slot < capacity; slot++) memcpy(slots + slot * size, frame, size);
    uint64_t start = nanoseconds(CLOCK_MONOTONIC), cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID), slot = 0;
    for (uint64_t number = 0; number < count; number++) {
        memcpy(slots + slot * size, frame, size);
        __asm__ volatile("" : : : "memory");
        if (++slot == capacity) slot = 0;
    }
    report(count, start, cpu);
}

static void store(const char *path, uint64_t count) {
    cfl_header *header = map_for_writing(path);
    uint64_t size = header->frame_size, capacity = header->capacity, burst = cfl_burst(capacity);
    char *slots = (char *)header + CFL_HEADER_SIZE;
    cfl_source sources[CFL_BURST];
    sources[0] = (cfl_source){.frame = frames_of(1, size)};
    for (int place = 1; place < CFL_BURST; place++) sources[place] = sources[0];
    cfl_store_path fastest = cfl_calibrate(size, capacity);
    for (uint64_t slot = 0; slot < capacity; slot++) memcpy(slots + slot * size, sources[0].frame, size);
    uint64_t start = nanoseconds(CLOCK_MONOTONIC), cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t done = 0; done < count; done += burst) {
        cfl_write(header, sources, count - done < burst ? count - done : burst, fastest);
    }
    report(count, start, cpu);
}

static void copy_out(const char *path, uint64_t limit, uint64_t count) {
    cr_ring ring = open_ring(path);
    void *frames = frames_of(limit, ring.frame_size);
    uint64_t tail = cr_tail(&ring), position = tail, copied = 0;
    uint64_t start = nanoseconds(CLOCK_MONOTONIC), cpu = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    while (copied < count) {
        cr_batch batch = cr_copy(&ring, position, limit, frames);
        copied += batch.count;
        position = batch.count == limit ? batch.next : tail;
        if (batch.lost) exit(3);
    }
    report(copied, start, cpu);
}

static bool is_whole(const void *memory, uint64_t size) {
    const cfl_slot *slot = memory;
    float expected = (float)(slot->frame_id % 61);
    const cfl_numbers *numbers;
    if (size == CFL_COMPACT_SIZE) {
        const cfl_compact_frame *frame = memory;
        numbers = &frame->numbers;
        for (int at = 0; at < CFL_DIMENSIONS; at++) {
            if (fabsf((float)frame->semantic[at] * numbers->scale - expected) > 0.001f) return false;
        }
    } else {
        const cfl_frame *frame = memory;
        numbers = &frame->numbers;
        for (int at = 0; at < CFL_DIMENSIONS; at++) {
            if (frame->semantic[at] != expected) return false;
        }
    }
    return numbers->organization_hash == slot->frame_id && numbers->timestamp_us == (int64_t)slot->frame_id;
}

static void read_all(const char *path, uint64_t until) {
    enum { LIMIT = 64 };
    cr_ring ring = open_ring(path);
    char *frames = frames_of(LIMIT, ring.frame_size);
    uint64_t first = cr_tail(&ring), position = first, count = 0, lost = 0, torn = 0, mixed = 0;
    while (position < until) {
        cr_batch batch = cr_copy(&ring, position, LIMIT, frames);
        for (uint64_t at = 0; at < batch.count; at++) mixed += !is_whole(frames + at * ring.frame_size, ring.frame_size);
        count += batch.count;
        lost += batch.lost;
        torn += batch.torn;
        position = batch.next;
    }
    printf("{\"first\": %" PRIu64 ", \"read\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"torn\": %" PRIu64
           ", \"mixed\": %" PRIu64 "}\n", first, count, lost, torn, mixed);
}

static void publish(const char *path, uint64_t count, uint64_t pause_us) {
    cfl_header *header = map_for_writing(path);
    cfl_frame *frame = frames_of(1, header->frame_size);
    cfl_source source = {.frame = &frame->slot};
    uint64_t due = nanoseconds(CLOCK_MONOTONIC);
    for (uint64_t number = 0; number < count; number++) {
        due += pause_us * 1000;
        struct timespec until = {(time_t)(due / 1000000000), (long)(due % 1000000000)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        frame->numbers.timestamp_us = (int64_t)nanoseconds(CLOCK_MONOTONIC);
        cfl_write(header, &source, 1, CFL_STORE_VECTORS);
        cfl_wake(header);
    }
    printf("{\"frames\": %" PRIu64 "}\n", count);
}

static void receive(const char *path, uint64_t count) {
    cr_ring ring = open_ring(path);
    cfl_frame *frame = frames_of(1, ring.frame_size);
    uint64_t position = cr_head(&ring);
    printf("{\"nanoseconds\": [");
    fflush(stdout);
    for (uint64_t received = 0; received < count;) {
        while (!cr_wait(&ring, position, 100000)) {}
        cr_batch batch = cr_copy(&ring, position, 1, frame);
        position = batch.next;
        uint64_t taken = nanoseconds(CLOCK_MONOTONIC) - (uint64_t)frame->numbers.timestamp_us;
        if (batch.count) printf("%s%" PRIu64, received++ ? "," : "", taken);
    }
    printf("]}\n");
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    const char *path = count > 2 ? words[2] : "";
    uint64_t first = count > 3 ? strtoull(words[3], NULL, 10) : 0;
    uint64_t second = count > 4 ? strtoull(words[4], NULL, 10) : 0;
    if (!strcmp(mode, "memcpy") && count == 4) overwrite(path, first);
    else if (!strcmp(mode, "store") && count == 4) store(path, first);
    else if (!strcmp(mode, "copy") && count == 5) copy_out(path, first, second);
    else if (!strcmp(mode, "read") && count == 4) read_all(path, first);
    else if (!strcmp(mode, "publish") && count == 5) publish(path, first, second);
    else if (!strcmp(mode, "receive") && count == 4) receive(path, first);
    else {
        fprintf(stderr, "usage: ring memcpy|store|copy|read|publish|receive PATH NUMBER [NUMBER]\n");
        return 2;
    }
    return 0;
}
