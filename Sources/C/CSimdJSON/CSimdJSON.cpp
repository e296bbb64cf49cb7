#include "CSimdJSON.h"

#include "Scan.hpp"
#include "TreeBuilder.hpp"

#include <simdjson.h>

#include <algorithm>
#include <memory>

namespace {

/// What a thread keeps between parses, so that a small document allocates nothing here.
struct Workspace {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stages;
    std::vector<csj_node> nodes;
    size_t node_count = 0;
    std::vector<uint8_t> text;
    std::vector<uint32_t> keys;

    /// Makes room for the offsets of a document: 4 bytes for each of its bytes.
    bool reserve(size_t length) {
        if (stages && stages->capacity() >= length) return true;
        const size_t capacity = std::max<size_t>(4096, length + length / 4);
        if (stages) return stages->allocate(capacity, CSJ_MAX_DEPTH) == simdjson::SUCCESS;
        return simdjson::get_active_implementation()->create_dom_parser_implementation(
                   capacity, CSJ_MAX_DEPTH, stages) == simdjson::SUCCESS;
    }

    bool is_oversized() const {
        constexpr size_t kept = 256 << 10;
        return (stages && stages->capacity() > kept) || nodes.capacity() > kept / 4 || text.capacity() > kept;
    }
};

thread_local Workspace workspace;

csj::Outcome parse(csj::Source source, Workspace &own) {
    if (source.length == 0) return {CSJ_EMPTY, 0};
    if (source.length > CSJ_MAX_LENGTH) return {CSJ_TOO_LARGE, CSJ_MAX_LENGTH};
    const uint8_t first = source[0], second = source[1];
    const bool is_marked = (first == 0xEF && second == 0xBB && source[2] == 0xBF) ||
                           (first == 0xFE && second == 0xFF) || (first == 0xFF && second == 0xFE);
    if (is_marked) return {CSJ_BYTE_ORDER_MARK, 0};
    if (!own.reserve(source.length)) return {CSJ_NO_MEMORY, 0};

    // Stage 1 copies the last, partial block before it reads it: no padding behind the source is needed.
    const simdjson::error_code code = own.stages->stage1(source.bytes, source.length, simdjson::stage1_mode::regular);
    if (code == simdjson::EMPTY) return {CSJ_EMPTY, 0};
    if (code != simdjson::SUCCESS) return csj::locate(source);

    // Every node begins at an offset of its own, so this is room enough; only what was used is ever read.
    const size_t count = own.stages->n_structural_indexes;
    if (own.nodes.size() < count) own.nodes.resize(count + count / 4);
    own.text.clear();
    uint32_t *offsets = own.stages->structural_indexes.get();
    // The list has room for more offsets than there are bytes.
    offsets[count] = offsets[count + 1] = uint32_t(source.length);
    csj::TreeBuilder::Container open[CSJ_MAX_DEPTH];
    csj::TreeBuilder builder(source, offsets, count, open, own.nodes.data(), own.text, own.keys);
    const csj::Outcome outcome = builder.build();
    own.node_count = builder.size();
    return outcome;
}

}  // namespace

csj_code csj_parse(const uint8_t *bytes, size_t length, csj_tree *tree) {
    *tree = {};
    try {
        Workspace &own = workspace;
        const csj::Outcome outcome = parse({bytes, length}, own);
        tree->error_offset = outcome.offset;
        if (outcome) {
            tree->nodes = own.nodes.data();
            tree->node_count = own.node_count;
            tree->text = own.text.data();
            tree->text_length = own.text.size();
        }
        return outcome.code;
    } catch (...) {
        return CSJ_NO_MEMORY;  // only growing a vector throws here
    }
}

void csj_release(void) {
    Workspace &own = workspace;
    if (own.is_oversized()) own = Workspace{};
}
