import EventModel
import JSONTree

/// The paths of all fields as a tree of steps, along which an event is walked.
///
/// It finds which of very many fields an event has in time that depends on the event: a condition set with ten thousand
/// fields costs an event of twenty members twenty steps.
struct FieldWalk: Sendable {
    private struct Node: BitwiseCopyable, Sendable {
        /// The field that ends here; -1 for none.
        var field: Int32 = -1
        /// How many fields end here or below.
        var count: Int32 = 0
        /// How many steps lead on by a key, and by an index.
        var keys: Int32 = 0
        var indices: Int32 = 0
    }

    /// Where a step leads: the node, and the number of the key or, marked, the index.
    private static func step(_ node: Int32, key: Int32) -> UInt64 { UInt64(UInt32(node)) << 33 | UInt64(UInt32(key)) }
    private static func step(_ node: Int32, index: Int) -> UInt64 {
        UInt64(UInt32(node)) << 33 | 1 << 32 | UInt64(UInt32(truncatingIfNeeded: index))
    }

    private var nodes = [Node()]
    private var free: [Int32] = []
    private var steps = FlatTable<UInt64, Int32>()
    private var keys = TextTable()
    /// The fields that are members of the event.
    private var members: [Int32] = []
    private var subject: Int32 = -1

    var isBare: Bool { steps.count == 0 && keys.count == 0 && members.isEmpty && subject < 0 }

    mutating func add(_ field: Int32, _ path: FieldPath) {
        guard case .data(let path) = path.root else {
            if path.root == .subject { subject = field } else { members.append(field) }
            return
        }
        var node: Int32 = 0
        nodes[0].count += 1
        for component in path?.components ?? [] {
            let step: UInt64
            switch component {
            case .key(let key): step = Self.step(node, key: keys.intern(Array(key.utf8)))
            case .index(let index): step = Self.step(node, index: index)
            }
            var next = steps.find(step)
            if next < 0 {
                next = makeNode()
                steps.insert(step, next)
                if component.isKey { nodes[Int(node)].keys += 1 } else { nodes[Int(node)].indices += 1 }
            }
            node = next
            nodes[Int(node)].count += 1
        }
        nodes[Int(node)].field = field
    }

    mutating func remove(_ field: Int32, _ path: FieldPath) {
        guard case .data(let path) = path.root else {
            if path.root == .subject { subject = -1 }
            members.removeAll { $0 == field }
            return
        }
        var node: Int32 = 0
        nodes[0].count -= 1
        for component in path?.components ?? [] {
            let step: UInt64
            switch component {
            case .key(let key):
                let id = Array(key.utf8).withUnsafeBufferPointer { keys.find($0) }
                step = Self.step(node, key: id)
                keys.release(id)
            case .index(let index): step = Self.step(node, index: index)
            }
            let next = steps.find(step)
            nodes[Int(next)].count -= 1
            if nodes[Int(next)].count == 0 {
                steps.remove(step)
                free.append(next)
                if component.isKey { nodes[Int(node)].keys -= 1 } else { nodes[Int(node)].indices -= 1 }
            }
            node = next
        }
        nodes[Int(node)].field = -1
    }

    /// Appends the fields that an event has.
    func present(in view: EventView, into found: inout [Int32]) {
        found.append(contentsOf: members)
        if subject >= 0, view.subject != nil { found.append(subject) }
        present(at: view.nodes.root, from: 0, view.nodes, into: &found)
    }

    private func present(at place: UInt32, from node: Int32, _ tree: JSONNodes, into found: inout [Int32]) {
        let here = nodes[Int(node)]
        if here.field >= 0 { found.append(here.field) }
        guard here.keys > 0 || here.indices > 0 else { return }
        let count = Int(truncatingIfNeeded: tree.bits(at: place))
        var next = place + 1
        switch tree.form(at: place) {
        case .object where here.keys > 0:
            for _ in 0..<count {
                let key = keys.find(tree.string(at: next))
                let child = key < 0 ? -1 : steps.find(Self.step(node, key: key))
                if child >= 0 { present(at: next + 1, from: child, tree, into: &found) }
                next = tree.next(after: next + 1)
            }
        case .array where here.indices > 0:
            for index in 0..<count {
                let child = steps.find(Self.step(node, index: index))
                if child >= 0 { present(at: next, from: child, tree, into: &found) }
                next = tree.next(after: next)
            }
        default: break
        }
    }

    private mutating func makeNode() -> Int32 {
        if let node = free.popLast() {
            nodes[Int(node)] = Node()
            return node
        }
        nodes.append(Node())
        return Int32(nodes.count - 1)
    }
}

extension JSONPath.Component {
    fileprivate var isKey: Bool {
        if case .key = self { true } else { false }
    }
}
