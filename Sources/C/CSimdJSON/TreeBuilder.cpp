#include "TreeBuilder.hpp"

#include <algorithm>
#include <cstring>

namespace csj {

Outcome TreeBuilder::build() {
    if (Outcome outcome = value(); !outcome) return outcome;
    while (depth_ > 0) {
        if (Outcome outcome = step(); !outcome) return outcome;
    }
    if (next_ < count_) return {CSJ_TRAILING, here()};
    return {};
}

/// Takes one element or member of the innermost container, or its end.
Outcome TreeBuilder::step() {
    Container &container = open_[depth_ - 1];
    const uint8_t byte = source_[here()];
    if (byte == (container.is_object ? '}' : ']')) return close();
    if (container.count > 0) {
        if (byte != ',') return {CSJ_SYNTAX, here()};
        ++next_;
    }
    if (container.is_object) {
        if (Outcome outcome = key(container); !outcome) return outcome;
    }
    ++container.count;
    return value();
}

Outcome TreeBuilder::value() {
    const uint32_t at = here();
    switch (source_[at]) {
        case '{': return open(true);
        case '[': return open(false);
        case '"': return string();
        case 't': return literal("true", CSJ_TRUE);
        case 'f': return literal("false", CSJ_FALSE);
        case 'n': return literal("null", CSJ_NULL);
        case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
            return number();
        default: return {CSJ_SYNTAX, at};
    }
}

Outcome TreeBuilder::key(Container &object) {
    const uint32_t at = here();
    if (source_[at] != '"') return {CSJ_SYNTAX, at};
    if (object.count == CSJ_MAX_KEYS) return {CSJ_KEYS, at};
    if (Outcome outcome = string(); !outcome) return outcome;
    nodes_.back().next = object.node;
    if (source_[here()] != ':') return {CSJ_SYNTAX, here()};
    ++next_;
    return {};
}

Outcome TreeBuilder::open(bool is_object) {
    const uint32_t at = here();
    if (depth_ == CSJ_MAX_DEPTH) return {CSJ_DEPTH, at};
    open_[depth_++] = {uint32_t(nodes_.size()), 0, is_object};
    nodes_.push_back({0, at, 0, 0, uint32_t(is_object ? CSJ_OBJECT : CSJ_ARRAY)});
    ++next_;
    return {};
}

Outcome TreeBuilder::close() {
    const Container container = open_[--depth_];
    csj_node &node = nodes_[container.node];
    node.bits = container.count;
    node.end = here() + 1;
    node.next = uint32_t(nodes_.size());
    ++next_;
    return container.is_object ? check_duplicates(container.node, container.count) : Outcome{};
}

/// A string ends at the last quote before the next token, so that its bytes need not be looked at to find it.
Outcome TreeBuilder::string() {
    const uint32_t start = here();
    ++next_;
    uint32_t end = here();
    while (end > start && is_whitespace(source_[end - 1])) --end;
    if (end < start + 2 || source_[end - 1] != '"') return {CSJ_SYNTAX, end};

    uint64_t place = 0;
    const size_t begin = start + 1, length = end - 1 - begin;
    if (std::memchr(source_.bytes + begin, '\\', length) != nullptr) {
        const size_t from = text_.size();
        if (Outcome outcome = unescape(source_, begin, end - 1, text_); !outcome) return outcome;
        place = uint64_t(from) << 32 | uint64_t(text_.size() - from);
    }
    nodes_.push_back({place, start, end, uint32_t(nodes_.size() + 1), CSJ_STRING});
    return {};
}

Outcome TreeBuilder::number() {
    const uint32_t start = here();
    ++next_;
    csj_node node{0, start, 0, uint32_t(nodes_.size() + 1), 0};
    const Outcome outcome = scan_number(source_, start, node);
    if (outcome) nodes_.push_back(node);
    return outcome;
}

Outcome TreeBuilder::literal(const char *word, csj_kind kind) {
    const uint32_t start = here();
    uint32_t at = start;
    for (; *word != 0; ++word, ++at) {
        if (source_[at] != uint8_t(*word)) return {CSJ_SYNTAX, at};
    }
    if (!ends_token(source_, at)) return {CSJ_SYNTAX, at};
    ++next_;
    nodes_.push_back({0, start, at, uint32_t(nodes_.size() + 1), uint32_t(kind)});
    return {};
}

/// Compares every pair of a small object, and sorts the keys of a large one: unlike a hash table, sorting has no worst
/// case that a sender could aim for.
Outcome TreeBuilder::check_duplicates(uint32_t object, uint32_t count) {
    constexpr uint32_t small = 16;
    if (count < 2) return {};
    keys_.clear();
    uint32_t key = object + 1;
    uint32_t first_repeat = UINT32_MAX;
    for (uint32_t i = 0; i < count; ++i, key = nodes_[key + 1].next) {
        if (count <= small) {
            for (const uint32_t earlier : keys_) {
                if (is_equal(earlier, key)) return {CSJ_DUPLICATE_KEY, nodes_[key].start};
            }
        }
        keys_.push_back(key);
    }
    if (count <= small) return {};
    std::sort(keys_.begin(), keys_.end(), [this](uint32_t left, uint32_t right) { return is_before(left, right); });
    for (size_t i = 1; i < keys_.size(); ++i) {
        if (is_equal(keys_[i - 1], keys_[i])) first_repeat = std::min(first_repeat, nodes_[keys_[i]].start);
    }
    return first_repeat == UINT32_MAX ? Outcome{} : Outcome{CSJ_DUPLICATE_KEY, first_repeat};
}

TreeBuilder::Bytes TreeBuilder::text_of(uint32_t index) const {
    const csj_node &node = nodes_[index];
    if (node.bits == 0) return {source_.bytes + node.start + 1, size_t(node.end - node.start - 2)};
    return {text_.data() + (node.bits >> 32), size_t(node.bits & UINT32_MAX)};
}

/// By length, then bytes, then place in the document: of equal keys the later one is the repeat.
bool TreeBuilder::is_before(uint32_t left, uint32_t right) const {
    const Bytes a = text_of(left), b = text_of(right);
    if (a.length != b.length) return a.length < b.length;
    const int order = std::memcmp(a.start, b.start, a.length);
    return order != 0 ? order < 0 : left < right;
}

bool TreeBuilder::is_equal(uint32_t left, uint32_t right) const {
    const Bytes a = text_of(left), b = text_of(right);
    return a.length == b.length && std::memcmp(a.start, b.start, a.length) == 0;
}

}  // namespace csj
