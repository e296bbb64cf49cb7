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

csj::Outcome parse(csj::Source source) {
    if (source.length == 0) return {CSJ_EMPTY, 0};
    if (source.length > CSJ_MAX_LENGTH) return {CSJ_TOO_LARGE, CSJ_MAX_LENGTH};
    const uint8_t first = source[0], second = source[1];
    const bool is_marked = (first == 0xEF && second == 0xBB && source[2] == 0xBF) ||
                           (first == 0xFE && second == 0xFF) || (first == 0xFF && second == 0xFE);
    if (is_marked) return {CSJ_BYTE_ORDER_MARK, 0};
    if (!workspace.reserve(source.length)) return {CSJ_NO_MEMORY, 0};

    // Stage 1 copies the last, partial block before it reads it: no padding behind the source is needed.
    const simdjson::error_code code =
        workspace.stages->stage1(source.bytes, source.length, simdjson::stage1_mode::regular);
    if (code == simdjson::EMPTY) return {CSJ_EMPTY, 0};
    if (code != simdjson::SUCCESS) return csj::locate(source);

    workspace.nodes.clear();
    workspace.text.clear();
    return csj::TreeBuilder(source, workspace.stages->structural_indexes.get(),
                            workspace.stages->n_structural_indexes, workspace.nodes, workspace.text, workspace.keys)
        .build();
}

}  // namespace

csj_code csj_parse(const uint8_t *bytes, size_t length, csj_tree *tree) {
    *tree = {};
    try {
        const csj::Outcome outcome = parse({bytes, length});
        tree->error_offset = outcome.offset;
        if (outcome) {
            tree->nodes = workspace.nodes.data();
            tree->node_count = workspace.nodes.size();
            tree->text = workspace.text.data();
            tree->text_length = workspace.text.size();
        }
        return outcome.code;
    } catch (...) {
        return CSJ_NO_MEMORY;  // only growing a vector throws here
    }
}

void csj_release(void) {
    if (workspace.is_oversized()) workspace = Workspace{};
}
