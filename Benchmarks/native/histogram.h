// Latencies in microseconds, kept to 1 part in 64: 64 buckets for each power of two, so that no value is ever clipped.
#include <stdint.h>

enum { HISTOGRAM_STEPS = 64, HISTOGRAM_BUCKETS = 60 * HISTOGRAM_STEPS };

typedef struct {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total, highest;
} histogram;

static inline unsigned histogram_bucket(uint64_t value) {
    if (value < HISTOGRAM_STEPS) return (unsigned)value;
    unsigned shift = 57 - (unsigned)__builtin_clzll(value);
    return (shift + 1) * HISTOGRAM_STEPS + (unsigned)((value >> shift) - HISTOGRAM_STEPS);
}

static inline void histogram_add(histogram *h, uint64_t value) {
    h->counts[histogram_bucket(value)]++;
    h->total++;
    if (value > h->highest) h->highest = value;
}

/// The upper bound of the bucket in which that share of the values ends; 0 without values.
static inline uint64_t histogram_at(const histogram *h, double share) {
    uint64_t wanted = (uint64_t)((double)h->total * share), seen = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += h->counts[bucket];
        if (seen > wanted || (seen == h->total && h->total > 0)) {
            if (bucket < HISTOGRAM_STEPS) return bucket;
            unsigned shift = bucket / HISTOGRAM_STEPS - 1;
            uint64_t bound = ((uint64_t)(bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1) << shift) - 1;
            return bound < h->highest ? bound : h->highest;
        }
    }
    return 0;
}
