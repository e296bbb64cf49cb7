import EventModel
import JSONTree

/// The fields that conditions look at, each found at most once in an event.
struct FieldTable: Sendable {
    /// What a field holds in the event being matched.
    struct Slot: BitwiseCopyable, Sendable {
        /// The event it was found in.
        var epoch: UInt32 = 0
        var kind: ValueKind = .missing
        /// The number of the value in the ``ValueTable``; -1 for none, -2 while nobody has asked.
        var value: Int32 = -2
        /// In the tree of the data.
        var place: UInt32 = 0
        /// Of a number as it is held; of a text its length.
        var bits: UInt64 = 0
        /// Of a text.
        var address: UInt = 0

        /// The bytes of a text; they are valid during the match.
        var text: UnsafeBufferPointer<UInt8> {
            UnsafeBufferPointer(start: UnsafePointer(bitPattern: address), count: Int(bits))
        }

        fileprivate mutating func set(_ text: UnsafeBufferPointer<UInt8>) {
            kind = .text
            bits = UInt64(text.count)
            address = UInt(bitPattern: text.baseAddress)
        }

        fileprivate mutating func set(_ number: Int) {
            kind = .signed
            bits = UInt64(bitPattern: Int64(number))
        }

        fileprivate mutating func set(_ time: Timestamp) {
            kind = .time
            bits = UInt64(bitPattern: time.microseconds)
        }

        /// Takes the value at a place of the data's tree.
        mutating func set(_ place: UInt32, in nodes: JSONNodes) {
            self.place = place
            kind = ValueKind(nodes.form(at: place))
            if kind == .text { set(nodes.string(at: place)) } else { bits = nodes.bits(at: place) }
        }
    }

    fileprivate enum Root: UInt8, Sendable {
        case type, source, subject, id, time, receivedAt, clock, data
    }

    /// A step downwards: to a member, or to an element where there is no key.
    fileprivate struct Step: BitwiseCopyable, Sendable {
        let key: Int32
        let index: Int32
        /// Where the member was last.
        var hint: UInt32 = 0
    }

    fileprivate struct Field: BitwiseCopyable, Sendable {
        var root: Root = .data
        var steps = BlockPool<Step>.Block()
    }

    private(set) var slots: [Slot] = []
    private var fields: [Field] = []
    private var paths: [FieldPath?] = []
    private var names = TextTable()
    private var keys = TextTable()
    private var steps = BlockPool<Step>()
    private var walk = FieldWalk()
    /// How many fields are members of the event other than its type.
    private(set) var memberCount = 0

    var isBare: Bool { names.count == 0 && keys.count == 0 && walk.isBare }

    /// The number of a field, held once more.
    mutating func intern(_ path: FieldPath) -> Int32 {
        let known = names.count
        let id = names.intern(Array(path.description.utf8))
        guard names.count > known else { return id }
        var field = Field(root: Root(path.root))
        if case .data(let path?) = path.root {
            for component in path.components {
                switch component {
                case .key(let key):
                    steps.append(Step(key: keys.intern(Array(key.utf8)), index: 0), to: &field.steps)
                case .index(let index):
                    steps.append(Step(key: -1, index: Int32(clamping: index)), to: &field.steps)
                }
            }
        }
        if Int(id) < fields.count {
            fields[Int(id)] = field
            paths[Int(id)] = path
            slots[Int(id)] = Slot()
        } else {
            fields.append(field)
            paths.append(path)
            slots.append(Slot())
        }
        if field.root != .data, field.root != .type { memberCount += 1 }
        walk.add(id, path)
        return id
    }

    /// Lets go of a field once.
    mutating func release(_ id: Int32) {
        guard names.release(id) else { return }
        let field = fields[Int(id)]
        for step in steps.array(field.steps) where step.key >= 0 { keys.release(step.key) }
        steps.release(&fields[Int(id)].steps)
        if field.root != .data, field.root != .type { memberCount -= 1 }
        if let path = paths[Int(id)] { walk.remove(id, path) }
        paths[Int(id)] = nil
    }

    /// Whether a field is the event's type.
    func isType(_ id: Int32) -> Bool { fields[Int(id)].root == .type }

    /// Whether a field is a moment.
    func isTime(_ id: Int32) -> Bool { fields[Int(id)].root == .time || fields[Int(id)].root == .receivedAt }

    /// Whether every event has the field.
    func isAlwaysThere(_ id: Int32) -> Bool {
        switch fields[Int(id)].root {
        case .type, .source, .id, .time, .receivedAt, .clock: true
        case .subject: false
        case .data: fields[Int(id)].steps.count == 0
        }
    }

    /// Looks a field up unless that has been done for this event.
    @inline(__always)
    mutating func read(_ id: Int32, _ view: EventView, epoch: UInt32) {
        if slots[Int(id)].epoch != epoch { look(id, view, epoch: epoch) }
    }

    /// Forgets what fields held, for a new count of epochs.
    mutating func forgetSlots() {
        for index in slots.indices { slots[index].epoch = 0 }
    }

    /// Keeps the number of a field's value.
    @inline(__always)
    mutating func setValue(_ value: Int32, of id: Int32) { slots[Int(id)].value = value }

    private mutating func look(_ id: Int32, _ view: EventView, epoch: UInt32) {
        var slot = Slot(epoch: epoch)
        switch fields[Int(id)].root {
        case .type: slot.set(view.type)
        case .source: slot.set(view.source)
        case .subject: if let subject = view.subject { slot.set(subject) }
        case .id: slot.set(view.id)
        case .time: slot.set(view.time)
        case .receivedAt: slot.set(view.receivedAt)
        case .clock:
            if case .clock(let reading)? = paths[Int(id)]?.root {
                slot.set(reading.value(at: reading.moment == .time ? view.time : view.receivedAt))
            }
        case .data:
            let block = fields[Int(id)].steps
            let place = block.count == 0 ? view.nodes.root : descend(block, view.nodes)
            if place > 0 || block.count == 0 { slot.set(place, in: view.nodes) }
        }
        slots[Int(id)] = slot
    }

    /// Follows a path; 0 when a step leads nowhere.
    private mutating func descend(_ block: BlockPool<Step>.Block, _ nodes: JSONNodes) -> UInt32 {
        var place = nodes.root
        for index in 0..<Int(block.count) {
            let step = steps[block, index]
            if step.key < 0 {
                place = nodes.element(of: place, at: Int(step.index))
            } else {
                let from = place
                place = keys.withBytes(step.key) { nodes.member(of: from, $0, hint: step.hint) }
                if place != step.hint, place > 0 { steps[block, index].hint = place }
            }
            if place == 0 { return 0 }
        }
        return place
    }

    /// Appends the numbers of the fields that an event has, by going through the event instead of the fields.
    func present(in view: EventView, into found: inout [Int32]) { walk.present(in: view, into: &found) }
}

extension FieldTable.Root {
    fileprivate init(_ root: FieldPath.Root) {
        switch root {
        case .type: self = .type
        case .source: self = .source
        case .subject: self = .subject
        case .id: self = .id
        case .time: self = .time
        case .receivedAt: self = .receivedAt
        case .clock: self = .clock
        case .data: self = .data
        }
    }
}

extension ValueTable {
    /// The number of what a field holds; -1 when nothing is compared with it.
    func find(_ slot: FieldTable.Slot) -> Int32 {
        switch slot.kind {
        case .missing, .array, .object: -1
        case .text: find(slot.text)
        case .null, .no, .yes: find(ScalarKey(slot.kind, bits: 0))
        case .signed, .unsigned, .double, .time: find(ScalarKey(slot.kind, bits: slot.bits))
        }
    }
}
