#pragma once

#include "Scan.hpp"

#include <vector>

namespace csj {

/// The second stage: walks the offsets at which tokens begin and appends a node for every value and key.
///
/// The first stage promises that between a token and the next offset lies nothing but whitespace and, for numbers and
/// literals, the rest of the token; each scalar checks its own end, so every byte is accounted for.
///
/// What every token needs is inlined into one loop and works on members that nothing else can see, so that they are
/// registers; what is rare (escapes, long numbers, large objects) is called, with arguments and not with the builder.
class TreeBuilder {
  public:
    /// A container whose end has not come yet.
    struct Container {
        uint32_t node;
        uint32_t count;
        bool is_object;
        /// Whether two keys may be the same.
        bool is_suspect;
        /// A bit for each key, by its fingerprint (Bloom, 1970).
        uint64_t seen[8];
    };

    /// - offsets: of the tokens, and behind them twice the length of the source.
    /// - open: room for CSJ_MAX_DEPTH containers.
    /// - nodes: room for a node at every offset.
    TreeBuilder(Source source, const uint32_t *offsets, size_t count, Container *open, csj_node *nodes,
                std::vector<uint8_t> &text, std::vector<uint32_t> &keys)
        : source_(source), offsets_(offsets), count_(count), nodes_(nodes), text_(text), keys_(keys), open_(open) {}

    Outcome build();

    /// How many nodes there are.
    size_t size() const { return size_; }

  private:
    /// Where the next token begins; the end of the source after the last one.
    uint32_t here() const { return offsets_[next_]; }

    Outcome run();
    Outcome step();
    Outcome value();
    Outcome key(Container &object);
    void note_key(Container &object, const csj_node &key) const;
    Outcome open(bool is_object);
    Outcome close();
    Outcome string();
    Outcome number();
    bool short_number(uint32_t start, uint32_t limit, csj_node &node) const;
    Outcome literal(const char *word, csj_kind kind);

    Source source_;
    const uint32_t *offsets_;
    size_t count_;
    size_t next_ = 0;
    csj_node *nodes_;
    uint32_t size_ = 0;
    std::vector<uint8_t> &text_;
    std::vector<uint32_t> &keys_;
    Container *open_;
    size_t depth_ = 0;
    bool has_escapes_ = false;
};

}  // namespace csj
