#pragma once

#include "Scan.hpp"

#include <vector>

namespace csj {

/// The second stage: walks the offsets at which tokens begin and appends a node for every value and key.
///
/// The first stage promises that between a token and the next offset lies nothing but whitespace and, for numbers and
/// literals, the rest of the token; each scalar checks its own end, so every byte is accounted for.
class TreeBuilder {
  public:
    TreeBuilder(Source source, const uint32_t *offsets, size_t count, std::vector<csj_node> &nodes,
                std::vector<uint8_t> &text, std::vector<uint32_t> &keys)
        : source_(source), offsets_(offsets), count_(count), nodes_(nodes), text_(text), keys_(keys) {}

    Outcome build();

  private:
    struct Container {
        uint32_t node;
        uint32_t count;
        bool is_object;
    };

    struct Bytes {
        const uint8_t *start;
        size_t length;
    };

    /// Where the next token begins; the end of the source after the last one.
    uint32_t here() const { return next_ < count_ ? offsets_[next_] : uint32_t(source_.length); }

    Outcome step();
    Outcome value();
    Outcome key(Container &object);
    Outcome open(bool is_object);
    Outcome close();
    Outcome string();
    Outcome number();
    Outcome literal(const char *word, csj_kind kind);
    Outcome check_duplicates(uint32_t object, uint32_t count);
    Bytes text_of(uint32_t node) const;
    bool is_before(uint32_t left, uint32_t right) const;
    bool is_equal(uint32_t left, uint32_t right) const;

    Source source_;
    const uint32_t *offsets_;
    size_t count_;
    size_t next_ = 0;
    std::vector<csj_node> &nodes_;
    std::vector<uint8_t> &text_;
    std::vector<uint32_t> &keys_;
    Container open_[CSJ_MAX_DEPTH];
    size_t depth_ = 0;
};

}  // namespace csj
