#pragma once
#include <hiredis/hiredis.h>

// A reply's elements are an array of pointers, which Swift imports as pointers to optionals of an incomplete shape in
// some releases; one accessor keeps that out of the layer above.
static inline redisReply *collider_redis_element(const redisReply *reply, size_t index) {
    return reply->element[index];
}
