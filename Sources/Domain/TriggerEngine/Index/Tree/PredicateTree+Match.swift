import EventModel
import JSONTree

extension PredicateTree {
    /// Begins another event.
    mutating func begin() {
        guard vocabulary.begin() else { return }
        presentEpoch = 0
        for index in origins.indices { origins[index].epoch = 0 }
        for index in entries.indices { entries[index].epoch = 0 }
    }

    /// Appends the entries below a node that are true of the event.
    mutating func visit(_ node: Int32, _ view: EventView, _ event: ParsedEvent, _ matches: inout [Int]) {
        let here = nodes[Int(node)]
        for index in 0..<Int(here.list.count) { pass(candidates[here.list, index], view, event, &matches) }
        guard here.ways.count <= Self.maximumPartitions else {
            followPresent(node, view, event, &matches)
            return
        }
        // All keys are looked up before any is entered, so that the memory of one is fetched while the next is made.
        let base = stackTop
        while stack.count <= base + Int(here.ways.count) { stack.append(.none) }
        for index in 0..<Int(here.ways.count) {
            let way = ways[here.ways, index]
            guard way.access == .equality else {
                followOther(way.partition, view, event, &matches)
                continue
            }
            let value = vocabulary.value(of: way.field, view)
            guard value >= 0 else { continue }
            let child = children.find(AccessKey.of(way.partition, value: value))
            stack[stackTop] = child
            stackTop += child.isNone ? 0 : 1
        }
        while stackTop > base {
            stackTop -= 1
            enter(stack[stackTop], view, event, &matches)
        }
    }

    /// Follows the partitions of a node by the fields that the event has, where there are more partitions than those.
    private mutating func followPresent(
        _ node: Int32, _ view: EventView, _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        if presentEpoch != vocabulary.epoch {
            present.removeAll(keepingCapacity: true)
            vocabulary.presentFields(view, into: &present)
            presentEpoch = vocabulary.epoch
        }
        for index in present.indices {
            let field = present[index]
            for access in Check.Access.allCases {
                let partition = partitionsByWay.find(WayKey(node: node, field: field, access: access.rawValue))
                guard partition >= 0 else { continue }
                guard access == .equality else {
                    followOther(partition, view, event, &matches)
                    continue
                }
                let value = vocabulary.value(of: field, view)
                if value >= 0 { descend(AccessKey.of(partition, value: value), view, event, &matches) }
            }
        }
    }

    @inline(__always)
    private mutating func pass(
        _ candidate: Candidate, _ view: EventView, _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        let isPassed =
            switch candidate.test {
            case .nothing: true
            case .equal:
                (vocabulary.value(of: candidate.field, view) == Int32(truncatingIfNeeded: candidate.operand))
                    != candidate.isNegated
            case .order:
                Check.holds(
                    vocabulary.slot(candidate.field, view), candidate.relation, candidate.operandKind, candidate.operand
                )
                    != candidate.isNegated
            case .literal:
                vocabulary.holds(Literal(number: Int32(truncatingIfNeeded: candidate.operand)), view, event)
            }
        guard isPassed else { return }
        guard candidate.isOpen else {
            matches.append(Int(candidate.entry))
            return
        }
        ask(candidate.placement, isAtBoundary: false, view, event, &matches)
    }

    /// Makes the comparisons that a placement leaves open.
    private mutating func ask(
        _ number: Int32, isAtBoundary: Bool, _ view: EventView, _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        let placement = placements[Int(number)]
        guard entries[Int(placement.entry)].epoch != vocabulary.epoch else { return }
        let alternative = alternatives[Int(placement.alternative)]
        if alternative.isExact {
            for index in BitSequence(isAtBoundary ? placement.remaining | placement.boundary : placement.remaining) {
                guard vocabulary.holds(literals[alternative.literals, index], view, event) else { return }
            }
        } else {
            guard run(placement.entry, view, event) else { return }
        }
        entries[Int(placement.entry)].epoch = vocabulary.epoch
        matches.append(Int(placement.entry))
    }

    /// Makes the comparisons of a whole condition that decide it.
    private mutating func run(_ entry: Int32, _ view: EventView, _ event: ParsedEvent) -> Bool {
        let program = entries[Int(entry)].program
        var next = entries[Int(entry)].start
        while next >= 0 {
            let step = steps[program, Int(next)]
            next = vocabulary.holds(step.comparison, view, event) ? step.whenTrue : step.whenFalse
        }
        return next == ConditionProgram.accept
    }

    /// Follows a partition other than by equality.
    private mutating func followOther(
        _ number: Int32, _ view: EventView, _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        let partition = partitions[Int(number)]
        let slot = vocabulary.slot(partition.field, view)
        guard slot.kind != .missing else { return }
        switch partition.access {
        case .presence: descend(AccessKey.of(number), view, event, &matches)
        case .interval: followInterval(number, partition, slot, view, event, &matches)
        case .prefix where slot.kind == .text, .suffix where slot.kind == .text:
            followEnds(number, partition, slot.text, view, event, &matches)
        case .part: followParts(number, partition, slot, view, event, &matches)
        case .address where slot.kind == .text:
            followAddress(number, partition, slot.text, view, event, &matches)
        case .prefix, .suffix, .address, .equality, .none: break
        }
    }

    /// Enters what a key leads to, if anything.
    @inline(__always)
    private mutating func descend(
        _ key: UInt64, _ view: EventView, _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        enter(children.find(key), view, event, &matches)
    }

    private mutating func enter(
        _ child: Child, _ view: EventView, _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        switch child.mark {
        case Child.certain: matches.append(Int(child.number))
        case Child.node: visit(child.number, view, event, &matches)
        default:
            guard !child.isNone else { return }
            for place in Int(child.number)..<Int(child.number + child.mark) {
                pass(candidates[place], view, event, &matches)
            }
        }
    }

    /// Visits the node of a key that an event can have several times, once.
    private mutating func descendOnce(
        _ key: UInt64, _ view: EventView, _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        let child = nodesByKey.find(key)
        guard child >= 0, origins[Int(child)].epoch != vocabulary.epoch else { return }
        origins[Int(child)].epoch = vocabulary.epoch
        visit(child, view, event, &matches)
    }

    private mutating func followEnds(
        _ number: Int32, _ partition: Partition, _ text: UnsafeBufferPointer<UInt8>, _ view: EventView,
        _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        let isPrefix = partition.access == .prefix
        var hash = RunningHash()
        var done = 0
        for index in 0..<Int(partition.lengths.count) {
            let length = Int(lengths[partition.lengths, index].length)
            guard length <= text.count else { return }
            while done < length {
                hash.add(isPrefix ? text[done] : text[text.count - 1 - done])
                done += 1
            }
            descend(AccessKey.of(number, hash: hash.value, length: length), view, event, &matches)
        }
    }

    private mutating func followParts(
        _ number: Int32, _ partition: Partition, _ slot: FieldTable.Slot, _ view: EventView, _ event: ParsedEvent,
        _ matches: inout [Int]
    ) {
        if slot.kind == .array {
            var place = slot.place + 1
            for _ in 0..<slot.bits {
                let value = vocabulary.value(at: place, view)
                if value >= 0 { descendOnce(AccessKey.of(number, value: value), view, event, &matches) }
                place = view.nodes.next(after: place)
            }
        } else if slot.kind == .text, let base = slot.text.baseAddress {
            for count in BitSequence(partition.levels) where count <= slot.text.count {
                for start in 0...(slot.text.count - count) {
                    descendOnce(AccessKey.piece(number, base + start, count: count), view, event, &matches)
                }
            }
        }
    }

    private mutating func followAddress(
        _ number: Int32, _ partition: Partition, _ text: UnsafeBufferPointer<UInt8>, _ view: EventView,
        _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        guard let address = Address.parse(text)?.unmapped else { return }
        for index in 0..<Int(partition.lengths.count) {
            let length = Int(lengths[partition.lengths, index].length) - 1
            guard let prefixLength = AccessKey.prefixLength(length, isVersion4: address.isVersion4) else { continue }
            descend(AccessKey.of(number, address, prefixLength: prefixLength), view, event, &matches)
        }
    }

    private mutating func followInterval(
        _ number: Int32, _ partition: Partition, _ slot: FieldTable.Slot, _ view: EventView, _ event: ParsedEvent,
        _ matches: inout [Int]
    ) {
        guard let kind = PlaceInterval.Class(slot.kind), let place = Place.of(slot) else { return }
        let key = AccessKey.cell(number, kind)
        for level in BitSequence(partition.levels) {
            passRun(key, level, place, view, event, &matches)
        }
        if partition.hasPoints { passRun(key, IntervalCells.pointLevel, place, view, event, &matches) }
    }

    private mutating func passRun(
        _ key: Int32, _ level: Int, _ place: UInt64, _ view: EventView, _ event: ParsedEvent, _ matches: inout [Int]
    ) {
        guard let run = cells.run(key, level: level, around: place) else { return }
        for index in run.certain { pass(cells[run, index], view, event, &matches) }
        for index in run.boundary {
            ask(cells[run, index].placement, isAtBoundary: true, view, event, &matches)
        }
    }
}
