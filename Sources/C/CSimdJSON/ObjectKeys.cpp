#include "ObjectKeys.hpp"

#include <algorithm>
#include <cstring>

namespace csj {
namespace {

/// Of objects with at most so many keys every pair is compared.
constexpr uint32_t few = 16;

}  // namespace

Outcome ObjectKeys::check(std::vector<uint32_t> &order) const {
    const uint32_t count = uint32_t(nodes_[object_].bits);
    if (count < 2) return {};
    return count <= few ? check_few(count) : check_many(count, order);
}

Outcome ObjectKeys::check_few(uint32_t count) const {
    uint32_t keys[few];
    uint32_t key = object_ + 1;
    for (uint32_t i = 0; i < count; ++i, key = nodes_[key + 1].next) {
        for (uint32_t j = 0; j < i; ++j) {
            if (is_equal(keys[j], key)) return {CSJ_DUPLICATE_KEY, nodes_[key].start};
        }
        keys[i] = key;
    }
    return {};
}

/// Sorts: unlike a hash table, sorting has no worst case that a sender could aim for.
Outcome ObjectKeys::check_many(uint32_t count, std::vector<uint32_t> &order) const {
    order.clear();
    uint32_t key = object_ + 1;
    for (uint32_t i = 0; i < count; ++i, key = nodes_[key + 1].next) order.push_back(key);
    std::sort(order.begin(), order.end(), [this](uint32_t left, uint32_t right) { return is_before(left, right); });
    uint32_t first_repeat = UINT32_MAX;
    for (size_t i = 1; i < order.size(); ++i) {
        if (is_equal(order[i - 1], order[i])) first_repeat = std::min(first_repeat, nodes_[order[i]].start);
    }
    return first_repeat == UINT32_MAX ? Outcome{} : Outcome{CSJ_DUPLICATE_KEY, first_repeat};
}

ObjectKeys::Bytes ObjectKeys::text_of(uint32_t key) const {
    const csj_node &node = nodes_[key];
    if (node.bits == 0) return {source_.bytes + node.start + 1, size_t(node.end - node.start - 2)};
    return {text_.data() + (node.bits >> 32), size_t(node.bits & UINT32_MAX)};
}

/// By length, then bytes, then place in the document: of equal keys the later one is the repeat.
bool ObjectKeys::is_before(uint32_t left, uint32_t right) const {
    const Bytes a = text_of(left), b = text_of(right);
    if (a.length != b.length) return a.length < b.length;
    const int order = std::memcmp(a.start, b.start, a.length);
    return order != 0 ? order < 0 : left < right;
}

bool ObjectKeys::is_equal(uint32_t left, uint32_t right) const {
    const Bytes a = text_of(left), b = text_of(right);
    return a.length == b.length && std::memcmp(a.start, b.start, a.length) == 0;
}

}  // namespace csj
