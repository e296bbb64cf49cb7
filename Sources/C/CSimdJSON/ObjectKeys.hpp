#pragma once

#include "Scan.hpp"

namespace csj {

/// The keys of one object, for the rule that each stands there once.
class ObjectKeys {
  public:
    ObjectKeys(Source source, const csj_node *nodes, const std::vector<uint8_t> &text, uint32_t object)
        : source_(source), nodes_(nodes), text_(text), object_(object) {}

    /// Reports the first key that the object already has.
    ///
    /// - order: room to sort in.
    Outcome check(std::vector<uint32_t> &order) const;

  private:
    struct Bytes {
        const uint8_t *start;
        size_t length;
    };

    Outcome check_few(uint32_t count) const;
    Outcome check_many(uint32_t count, std::vector<uint32_t> &order) const;
    Bytes text_of(uint32_t key) const;
    bool is_before(uint32_t left, uint32_t right) const;
    bool is_equal(uint32_t left, uint32_t right) const;

    Source source_;
    const csj_node *nodes_;
    const std::vector<uint8_t> &text_;
    uint32_t object_;
};

}  // namespace csj
