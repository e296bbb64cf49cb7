import EventModel
import JSONTree

/// Why a condition was true of an event or was not: the tree with the truth value of each node and the values compared.
struct Explanation {
    /// Longest value that is shown whole, and longest explanation, in bytes.
    private static let longestValue = 200
    private static let longest = 32 * 1_024

    /// A JSON object.
    let json: [UInt8]

    /// Explains what an event has made of a condition.
    init(
        _ plan: TriggerPlan, _ event: ParsedEvent, _ results: [PlanRun.Result?], _ vectors: EventVectors
    ) {
        var writer = JSONWriter()
        let tree = Tree(plan: plan, event: event, results: results, vectors: vectors)
        var isTrue = true
        if let root = plan.root {
            isTrue = tree.write(root, to: &writer)
        } else {
            writer.object { $0.member("value", true) }
        }
        json = Self.bounded(writer.bytes, isTrue)
    }

    /// Explains why nothing came.
    init(_ plan: TriggerPlan, waitedFor event: EventReference, _ group: [UInt8]) {
        var writer = JSONWriter()
        writer.object { object in
            object.member("value", true)
            object.key("absence")
            object.object {
                if case .absence(let absence)? = plan.leaves.first?.machine {
                    $0.member("within_ms", absence.within / 1_000)
                }
                $0.member("after_event", event.id.description)
                Self.write(group, to: &$0)
            }
        }
        json = writer.bytes
    }

    private static func bounded(_ json: [UInt8], _ isTrue: Bool) -> [UInt8] {
        guard json.count > longest else { return json }
        var writer = JSONWriter()
        writer.object {
            $0.member("value", isTrue)
            $0.member("truncated", true)
        }
        return writer.bytes
    }

    fileprivate static func write(_ group: [UInt8], to writer: inout JSONWriter) {
        guard !group.isEmpty else { return }
        if group.first == UInt8(ascii: "[") {
            writer.memberRaw("group", group)
        } else {
            writer.member("group", String(decoding: group, as: UTF8.self))
        }
    }

    /// A value, or its beginning.
    fileprivate static func write(_ value: FieldValue?, as name: String, to writer: inout JSONWriter) {
        switch value {
        case nil: break
        case .text(let text): write(text, as: name, to: &writer)
        case .time(let time): writer.member(name, time.rfc3339)
        case .json(let json) where json.source.count <= longestValue: writer.memberRaw(name, json.source)
        case .json(let json):
            write(
                json.string ?? String(decoding: json.source.prefix(longestValue), as: UTF8.self), as: name, to: &writer)
        }
    }

    private static func write(_ text: String, as name: String, to writer: inout JSONWriter) {
        let isWhole = text.utf8.count <= longestValue
        writer.member(name, isWhole ? text : String(text.unicodeScalars.prefix(longestValue / 4)) + "…")
    }

    fileprivate static func source(_ source: [UInt8]) -> [UInt8] {
        source.count <= longestValue ? source : Array("\"…\"".utf8)
    }
}

private struct Tree {
    let plan: TriggerPlan
    let event: ParsedEvent
    let results: [PlanRun.Result?]
    let vectors: EventVectors

    /// Writes a node and says whether it is true. All parts are worked out, also where one would have been enough.
    @discardableResult
    func write(_ node: TriggerPlan.Node, to writer: inout JSONWriter) -> Bool {
        switch node {
        case .all(let parts): return write("all", parts, to: &writer) { $0.allSatisfy { $0 } }
        case .any(let parts): return write("any", parts, to: &writer) { $0.contains(true) }
        case .not(let part):
            var inner = JSONWriter()
            let isTrue = !write(part, to: &inner)
            writer.object {
                $0.member("value", isTrue)
                $0.memberRaw("not", inner.bytes)
            }
            return isTrue
        case .leaf(let comparison): return write(comparison, to: &writer)
        case .state(let index): return write(plan.leaves[index], results[index], to: &writer)
        }
    }

    private func write(_ comparison: Comparison, to writer: inout JSONWriter) -> Bool {
        var vectors = vectors
        let isTrue = comparison.evaluate(event, &vectors)
        writer.object { object in
            object.member("value", isTrue)
            guard case .similar(let similarity) = comparison.test else {
                object.member("field", comparison.field.description)
                if let name = comparison.name { object.member("operator", name.rawValue) }
                object.memberRaw("expected", Explanation.source(comparison.source))
                Explanation.write(event.value(at: comparison.field), as: "actual", to: &object)
                return
            }
            object.memberRaw("similar_to", Explanation.source(comparison.source))
            if similarity.scope == .field { object.member("field", comparison.field.description) }
            object.member("at_least", similarity.threshold)
            let degree = similarity.degree(vectors.vector(of: event, for: comparison))
            if let degree { object.member("similarity", degree) } else { object.memberNull("similarity") }
        }
        return isTrue
    }

    private func write(
        _ name: String, _ parts: [TriggerPlan.Node], to writer: inout JSONWriter, _ combine: ([Bool]) -> Bool
    ) -> Bool {
        var inner = JSONWriter()
        var values: [Bool] = []
        inner.array { list in
            for part in parts { values.append(write(part, to: &list)) }
        }
        let isTrue = combine(values)
        writer.object {
            $0.member("value", isTrue)
            $0.memberRaw(name, inner.bytes)
        }
        return isTrue
    }

    private func write(_ leaf: TriggerPlan.Leaf, _ result: PlanRun.Result?, to writer: inout JSONWriter) -> Bool {
        let isTrue = result?.isTrue ?? false
        writer.object { object in
            object.member("value", isTrue)
            switch leaf.machine {
            case .aggregate(let aggregate):
                object.member("aggregate", aggregate.function.rawValue)
                if let field = aggregate.field { object.member("field", field.description) }
                object.member("operator", aggregate.test.name.rawValue)
                object.memberRaw("expected", aggregate.test.source)
                if let number = result?.number { object.member("actual", number) }
            case .sequence(let sequence): object.member("sequence", sequence.steps.count)
            case .absence(let absence): object.member("absence_ms", absence.within / 1_000)
            }
            object.member("counted", result != nil)
            if let result { Explanation.write(result.group, to: &object) }
        }
        return isTrue
    }
}
