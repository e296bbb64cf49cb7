#include "Scan.hpp"

#include <charconv>
#include <cstring>

// RFC 8259 §6, with bounds: jsonb keeps numbers as decimals of any size, so that 9 KB of `1e131071` would grow to
// 131 MB there. What a double or a 64-bit integer can't hold is refused rather than rounded to infinity or zero.

namespace csj {
namespace {

/// What the text of a number says, before it becomes a value.
struct Decimal {
    bool negative = false;
    bool integral = true;        // without '.' and exponent
    bool overflow = false;       // of `magnitude`
    uint64_t magnitude = 0;      // of an integral number
    int64_t significant = 0;     // digits from the first one that isn't 0, without the zeros that end an integer part
    int64_t zeros = 0;           // those zeros: significant only when another digit follows
    int64_t leading = 0;         // power of ten of the first significant digit, exponent left out
    int64_t fraction = 0;        // digits after the '.'
    int64_t exponent = 0;        // as written, kept within ±100,000
    size_t exponent_start = 0;   // of the 'e', or 0
};

void take_integer_digit(Decimal &decimal, uint8_t digit) {
    decimal.overflow |= __builtin_mul_overflow(decimal.magnitude, uint64_t{10}, &decimal.magnitude);
    decimal.overflow |= __builtin_add_overflow(decimal.magnitude, uint64_t(digit), &decimal.magnitude);
    if (digit != 0) {
        decimal.significant += decimal.zeros + 1;
        decimal.zeros = 0;
    } else if (decimal.significant > 0) {
        ++decimal.zeros;
    }
}

/// Where the first digit that is one too many stands, when the last one read is at `at`.
size_t first_excess(const Decimal &decimal, size_t at) {
    return at - size_t(decimal.significant - CSJ_MAX_DIGITS - 1);
}

Outcome read_integer_part(Source source, size_t &at, Decimal &decimal) {
    if (!is_digit(source[at])) return {CSJ_SYNTAX, at};
    if (source[at] == '0') {
        ++at;
        return {};
    }
    // jsonb writes 1e50 as a 1 and fifty zeros: what it gives back must be taken again, so zeros at the end don't count.
    for (; is_digit(source[at]); ++at) {
        take_integer_digit(decimal, source[at] - '0');
        if (decimal.significant > CSJ_MAX_DIGITS) return {CSJ_DIGITS, first_excess(decimal, at)};
    }
    decimal.leading = decimal.significant + decimal.zeros - 1;
    return {};
}

Outcome read_fraction(Source source, size_t &at, Decimal &decimal) {
    if (source[at] != '.') return {};
    decimal.integral = false;
    ++at;
    if (!is_digit(source[at])) return {CSJ_SYNTAX, at};
    decimal.significant += decimal.zeros;
    if (decimal.significant >= CSJ_MAX_DIGITS) return {CSJ_DIGITS, at};
    for (; is_digit(source[at]); ++at) {
        ++decimal.fraction;
        if (decimal.significant == 0 && source[at] == '0') continue;
        if (decimal.significant == CSJ_MAX_DIGITS) return {CSJ_DIGITS, at};
        if (decimal.significant == 0) decimal.leading = -decimal.fraction;
        ++decimal.significant;
    }
    return {};
}

Outcome read_exponent(Source source, size_t &at, Decimal &decimal) {
    if (source[at] != 'e' && source[at] != 'E') return {};
    decimal.integral = false;
    decimal.exponent_start = at;
    ++at;
    const bool negative = source[at] == '-';
    if (negative || source[at] == '+') ++at;
    if (!is_digit(source[at])) return {CSJ_SYNTAX, at};
    for (; is_digit(source[at]); ++at) {
        if (decimal.exponent < 100000) decimal.exponent = decimal.exponent * 10 + (source[at] - '0');
    }
    if (negative) decimal.exponent = -decimal.exponent;
    return {};
}

/// Neither the exponent as written nor that of the first significant digit may leave ±308. A zero is held to the
/// decimal places that any other number could have.
bool has_fitting_exponent(const Decimal &decimal) {
    if (decimal.exponent > CSJ_MAX_EXPONENT || decimal.exponent < -CSJ_MAX_EXPONENT) return false;
    if (decimal.significant == 0) return decimal.fraction - decimal.exponent <= CSJ_MAX_EXPONENT + CSJ_MAX_DIGITS;
    const int64_t scientific = decimal.leading + decimal.exponent;
    return scientific >= -CSJ_MAX_EXPONENT && scientific <= CSJ_MAX_EXPONENT;
}

bool take_as_integer(const Decimal &decimal, csj_node &node) {
    if (!decimal.integral || decimal.overflow) return false;
    const uint64_t most = uint64_t(INT64_MAX) + (decimal.negative ? 1 : 0);
    if (decimal.magnitude <= most) {
        node.kind = CSJ_INT64;
        node.bits = decimal.negative ? 0 - decimal.magnitude : decimal.magnitude;
        return true;
    }
    if (decimal.negative) return false;
    node.kind = CSJ_UINT64;
    node.bits = decimal.magnitude;
    return true;
}

}  // namespace

Outcome scan_number(Source source, size_t start, csj_node &node) {
    Decimal decimal;
    size_t at = start;
    decimal.negative = source[at] == '-';
    if (decimal.negative) ++at;
    if (Outcome outcome = read_integer_part(source, at, decimal); !outcome) return outcome;
    if (Outcome outcome = read_fraction(source, at, decimal); !outcome) return outcome;
    if (Outcome outcome = read_exponent(source, at, decimal); !outcome) return outcome;
    if (!ends_token(source, at)) return {CSJ_SYNTAX, at};

    node.end = uint32_t(at);
    if (take_as_integer(decimal, node)) return {};
    const Outcome out_of_range{CSJ_EXPONENT, decimal.exponent_start > 0 ? decimal.exponent_start : start};
    if (!has_fitting_exponent(decimal)) return out_of_range;

    double value = 0;
    const char *text = reinterpret_cast<const char *>(source.bytes);
    if (std::from_chars(text + start, text + at, value).ec != std::errc{}) return out_of_range;
    node.kind = CSJ_DOUBLE;
    std::memcpy(&node.bits, &value, sizeof value);
    return {};
}

}  // namespace csj
