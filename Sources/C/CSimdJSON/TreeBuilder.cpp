#include "TreeBuilder.hpp"

#include "ObjectKeys.hpp"

#include <cstring>

#define CSJ_INLINE inline __attribute__((always_inline))

namespace csj {
namespace {

/// What a double holds exactly: a decimal of at most so many digits is one division away from the nearest double.
constexpr uint32_t exact_digits = 15;
constexpr double powers_of_ten[exact_digits + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
/// An integer of at most so many digits fits 64 bits.
constexpr uint32_t integer_digits = 18;

}  // namespace

/// A number of a few digits without exponent, right up to the next token; everything else is for scan_number.
CSJ_INLINE bool TreeBuilder::short_number(uint32_t start, uint32_t limit, csj_node &node) const {
    const uint8_t *at = source_.bytes + start, *const end = source_.bytes + limit;
    const bool negative = *at == '-';
    if (negative) ++at;
    const uint8_t *const digits = at;
    uint64_t magnitude = 0;
    if (size_t(end - at) > integer_digits) return false;
    while (at < end && is_digit(*at)) magnitude = magnitude * 10 + (*at++ - '0');
    const size_t whole = size_t(at - digits);
    if (whole == 0 || (whole > 1 && *digits == '0') || !ends_token(source_, limit)) return false;
    node.end = limit;
    if (at == end) {
        node.kind = CSJ_INT64;
        node.bits = negative ? 0 - magnitude : magnitude;
        return true;
    }
    if (*at != '.') return false;
    const uint8_t *const fraction = ++at;
    while (at < end && is_digit(*at)) magnitude = magnitude * 10 + (*at++ - '0');
    const size_t places = size_t(at - fraction);
    if (at != end || places == 0 || whole + places > exact_digits) return false;
    const double value = double(magnitude) / powers_of_ten[places];
    const double signed_value = negative ? -value : value;
    node.kind = CSJ_DOUBLE;
    std::memcpy(&node.bits, &signed_value, sizeof signed_value);
    return true;
}

CSJ_INLINE Outcome TreeBuilder::number() {
    const uint32_t start = here();
    ++next_;
    csj_node node{0, start, 0, size_ + 1, 0};
    if (!short_number(start, here(), node)) {
        csj_node slow = node;
        if (Outcome outcome = scan_number(source_, start, slow); !outcome) return outcome;
        node = slow;
    }
    nodes_[size_++] = node;
    return {};
}

/// A string ends at the last quote before the next token, so that its bytes need not be looked at to find it.
CSJ_INLINE Outcome TreeBuilder::string() {
    const uint32_t start = here();
    ++next_;
    uint32_t end = here();
    while (source_.bytes[end - 1] != '"' && end > start && is_whitespace(source_.bytes[end - 1])) --end;
    if (end < start + 2 || source_.bytes[end - 1] != '"') return {CSJ_SYNTAX, end};

    uint64_t place = 0;
    const size_t begin = start + 1, length = end - 1 - begin;
    if (has_escapes_ && std::memchr(source_.bytes + begin, '\\', length) != nullptr) {
        const size_t from = text_.size();
        if (Outcome outcome = unescape(source_, begin, end - 1, text_); !outcome) return outcome;
        place = uint64_t(from) << 32 | uint64_t(text_.size() - from);
    }
    nodes_[size_] = {place, start, end, size_ + 1, CSJ_STRING};
    ++size_;
    return {};
}

CSJ_INLINE Outcome TreeBuilder::literal(const char *word, csj_kind kind) {
    const uint32_t start = here();
    uint32_t at = start;
    for (; *word != 0; ++word, ++at) {
        if (source_[at] != uint8_t(*word)) return {CSJ_SYNTAX, at};
    }
    if (!ends_token(source_, at)) return {CSJ_SYNTAX, at};
    ++next_;
    nodes_[size_] = {0, start, at, size_ + 1, uint32_t(kind)};
    ++size_;
    return {};
}

CSJ_INLINE Outcome TreeBuilder::open(bool is_object) {
    const uint32_t at = here();
    if (depth_ == CSJ_MAX_DEPTH) return {CSJ_DEPTH, at};
    open_[depth_++] = {size_, 0, is_object, false, {}};
    nodes_[size_++] = {0, at, 0, 0, uint32_t(is_object ? CSJ_OBJECT : CSJ_ARRAY)};
    ++next_;
    return {};
}

CSJ_INLINE Outcome TreeBuilder::close() {
    const Container &container = open_[--depth_];
    csj_node &node = nodes_[container.node];
    node.bits = container.count;
    node.end = here() + 1;
    node.next = size_;
    ++next_;
    return container.is_suspect ? ObjectKeys(source_, nodes_, text_, container.node).check(keys_) : Outcome{};
}

CSJ_INLINE Outcome TreeBuilder::value() {
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

/// Two keys that are the same leave the same bit; that two others do is rare, and costs no more than looking.
CSJ_INLINE void TreeBuilder::note_key(Container &object, const csj_node &key) const {
    if (key.bits != 0) {
        object.is_suspect = true;
        return;
    }
    const uint8_t *const start = source_.bytes + key.start + 1;
    const uint32_t length = key.end - key.start - 2;
    uint64_t first = 0, last = 0;
    if (length >= 8) {
        std::memcpy(&first, start, 8);
        std::memcpy(&last, start + length - 8, 8);
    } else if (length >= 4) {
        uint32_t head, tail;
        std::memcpy(&head, start, 4);
        std::memcpy(&tail, start + length - 4, 4);
        first = uint64_t(head) << 32 | tail;
    } else if (length > 0) {
        first = uint64_t(start[0]) << 16 | uint64_t(start[length / 2]) << 8 | start[length - 1];
    }
    const uint64_t print = (first ^ (last << 23 | last >> 41) ^ length) * 0x9E3779B97F4A7C15u;
    uint64_t &word = object.seen[print >> 61];
    const uint64_t bit = uint64_t(1) << (print >> 55 & 63);
    object.is_suspect |= (word & bit) != 0;
    word |= bit;
}

CSJ_INLINE Outcome TreeBuilder::key(Container &object) {
    const uint32_t at = here();
    if (source_[at] != '"') return {CSJ_SYNTAX, at};
    if (object.count == CSJ_MAX_KEYS) return {CSJ_KEYS, at};
    if (Outcome outcome = string(); !outcome) return outcome;
    nodes_[size_ - 1].next = object.node;
    note_key(object, nodes_[size_ - 1]);
    if (source_[here()] != ':') return {CSJ_SYNTAX, here()};
    ++next_;
    return {};
}

/// Takes one element or member of the innermost container, or its end.
CSJ_INLINE Outcome TreeBuilder::step() {
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

CSJ_INLINE Outcome TreeBuilder::run() {
    has_escapes_ = std::memchr(source_.bytes, '\\', source_.length) != nullptr;
    Outcome outcome = value();
    while (outcome && depth_ > 0) outcome = step();
    if (outcome && next_ < count_) return {CSJ_TRAILING, here()};
    return outcome;
}

/// Runs a copy, of which the compiler knows that nothing else sees it.
Outcome TreeBuilder::build() {
    TreeBuilder own(*this);
    const Outcome outcome = own.run();
    size_ = own.size_;
    return outcome;
}

}  // namespace csj
