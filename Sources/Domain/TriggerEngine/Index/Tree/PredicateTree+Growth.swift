import JSONTree

extension PredicateTree {
    /// Puts a placement where it belongs below a node.
    mutating func place(_ number: Int32, in node: Int32) {
        let placement = placements[Int(number)]
        var best: (partition: Int32, literal: Int, cost: Double)?
        var canWait = false
        for index in BitSequence(placement.untried) {
            let literal = literal(placement.alternative, index)
            let access = vocabulary.access(literal)
            let field = vocabulary.comparisons.checks[Int(literal.comparison)].field
            let partition = partitionsByWay.find(WayKey(node: node, field: field, access: access.rawValue))
            guard partition >= 0 else {
                canWait = canWait || access.isStrong
                continue
            }
            let cost = cost(of: partition)
            if cost < best?.cost ?? .infinity { best = (partition, index, cost) }
        }
        // A partition that tells little apart is not taken where a better one could be made.
        if let best, !canWait || partitions[Int(best.partition)].access.isStrong {
            lead(number, by: best.literal, into: best.partition)
            return
        }
        placements[Int(number)].node = node
        candidates.append(candidate(number), to: &nodes[Int(node)].list)
        refresh(node)
        guard placement.untried != 0 else { return }
        origins[Int(node)].waiting += 1
        while origins[Int(node)].waiting > Self.maximumWaiting { divide(node) }
    }

    /// About which share of the events that follow a partition meet a placement in it.
    private func cost(of partition: Int32) -> Double {
        let partition = partitions[Int(partition)]
        let keys = Double(partition.count + 1)
        return switch partition.access {
        case .equality: 1 / keys
        case .prefix, .suffix, .address: 1.2 / keys
        case .part: 1.5 / keys
        case .interval: 0.5
        case .presence, .none: 1
        }
    }

    /// A way to divide the list of a node.
    private struct Division {
        let access: Check.Access
        let field: Int32
        var members: [(placement: Int32, literal: Int)] = []
        var keys: Set<Int32> = []

        /// About how many placements an event is spared.
        var worth: Double {
            let spared = 1 - 1 / Double(keys.count + 1)
            let count = Double(members.count)
            return switch access {
            case .equality: count * spared
            case .prefix, .suffix, .address: count * spared * 0.9
            case .part: count * spared * 0.8
            case .interval: count * 0.5
            case .presence, .none: count * 0.1
            }
        }
    }

    /// Takes placements out of a node's list into a partition.
    private mutating func divide(_ node: Int32) {
        var divisions: [Division] = []
        for candidate in candidates.array(nodes[Int(node)].list) {
            let placement = placements[Int(candidate.placement)]
            for index in BitSequence(placement.untried) {
                let literal = literal(placement.alternative, index)
                let access = vocabulary.access(literal)
                let field = vocabulary.comparisons.checks[Int(literal.comparison)].field
                let place = divisions.firstIndex { $0.access == access && $0.field == field } ?? divisions.count
                if place == divisions.count { divisions.append(Division(access: access, field: field)) }
                // One of a condition's own literals is enough.
                guard divisions[place].members.last?.placement != candidate.placement else { continue }
                divisions[place].members.append((candidate.placement, index))
                divisions[place].keys.insert(literal.comparison)
            }
        }
        guard let best = divisions.max(by: { $0.worth < $1.worth }) else { return }
        // It can be there already: a placement that waited for a better way takes it in the end.
        let known = partitionsByWay.find(WayKey(node: node, field: best.field, access: best.access.rawValue))
        let partition = known >= 0 ? known : makePartition(node, best.access, best.field)
        for (placement, literal) in best.members {
            take(placement, from: node)
            lead(placement, by: literal, into: partition)
        }
    }

    private mutating func makePartition(_ node: Int32, _ access: Check.Access, _ field: Int32) -> Int32 {
        let partition = Partition(access: access, field: field, node: node)
        let number = freePartitions.popLast() ?? Int32(partitions.count)
        if Int(number) < partitions.count {
            partitions[Int(number)] = partition
        } else {
            partitions.append(partition)
        }
        ways.append(Way(partition: number, field: field, access: access), to: &nodes[Int(node)].ways)
        refresh(node)
        partitionsByWay.insert(WayKey(node: node, field: field, access: access.rawValue), number)
        return number
    }

    /// Moves a placement, which is in no list, along a partition by one of its literals.
    private mutating func lead(_ number: Int32, by index: Int, into partition: Int32) {
        placements[Int(number)].untried &= ~(1 << UInt64(index))
        let placement = placements[Int(number)]
        let literal = literal(placement.alternative, index)
        switch partitions[Int(partition)].access {
        case .interval:
            leadIntoCell(number, by: index, partition)
            return
        case .equality:
            placements[Int(number)].remaining &= ~(1 << UInt64(index))
        case .presence:
            forgetPresence(number, of: partitions[Int(partition)].field)
            let kind = vocabulary.comparisons.checks[Int(literal.comparison)].kind
            if kind == .present || kind == .absent { placements[Int(number)].remaining &= ~(1 << UInt64(index)) }
        default: break
        }
        let keys = keys(of: literal, in: partition)
        for (place, key) in keys.enumerated() {
            // Every key but one needs a placement of its own.
            let one = place == keys.count - 1 ? number : link(placements[Int(number)])
            enter(one, key, partition)
        }
    }

    /// Puts a placement below a partition.
    private mutating func enter(_ number: Int32, _ key: NodeKey, _ partition: Int32) {
        var child = nodesByKey.find(key.key)
        if child < 0 {
            child = makeNode(partition: partition, key: key.key, keyLength: Int32(key.length))
            nodesByKey.insert(key.key, child)
            children.insert(key.key, Child(number: child, mark: Child.node))
            partitions[Int(partition)].count += 1
            count(key.length, by: 1, in: partition)
        }
        place(number, in: child)
    }

    /// Tells the table of keys what has become of a node.
    mutating func refresh(_ node: Int32) {
        guard origins[Int(node)].partition >= 0 else { return }
        children.update(origins[Int(node)].key, child(node))
    }

    private func child(_ node: Int32) -> Child {
        let here = nodes[Int(node)]
        // A node that an event can reach several times is entered itself, so that it can be marked.
        let isMarked = partitions[Int(origins[Int(node)].partition)].access == .part
        guard !isMarked, here.ways.count == 0, here.list.count > 0 else {
            return Child(number: node, mark: Child.node)
        }
        let first = candidates[here.list, 0]
        guard here.list.count == 1, first.test == .nothing, !first.isOpen else {
            return Child(number: here.list.start, mark: here.list.count)
        }
        return Child(number: first.entry, mark: Child.certain)
    }

    /// Other literals that are found by the same field's being there lead no further below that.
    private mutating func forgetPresence(_ number: Int32, of field: Int32) {
        let placement = placements[Int(number)]
        for index in BitSequence(placement.untried) {
            let literal = literal(placement.alternative, index)
            if vocabulary.access(literal) == .presence,
                vocabulary.comparisons.checks[Int(literal.comparison)].field == field
            {
                placements[Int(number)].untried &= ~(1 << UInt64(index))
            }
        }
    }

    /// A key of a node below a partition, and the length it is listed under.
    struct NodeKey {
        let key: UInt64
        var length = 0
    }

    /// The keys of events of which a literal is true.
    private mutating func keys(of literal: Literal, in partition: Int32) -> [NodeKey] {
        let check = vocabulary.comparisons.checks[Int(literal.comparison)]
        switch partitions[Int(partition)].access {
        case .equality:
            return vocabulary.comparisons.keys(of: literal.comparison).map {
                NodeKey(key: AccessKey.of(partition, value: $0))
            }
        case .prefix, .suffix:
            let isPrefix = check.kind == .prefix
            return vocabulary.comparisons.texts.withBytes(Int32(check.first)) { text in
                var hash = RunningHash()
                for index in text.indices { hash.add(isPrefix ? text[index] : text[text.count - 1 - index]) }
                return [
                    NodeKey(key: AccessKey.of(partition, hash: hash.value, length: text.count), length: text.count)
                ]
            }
        case .part: return parts(of: literal, in: partition)
        case .address:
            guard case .address(let block) = vocabulary.comparisons.comparisons[Int(literal.comparison)]?.test else {
                return []
            }
            let length = AccessKey.length(
                isVersion4: block.address.isVersion4, prefixLength: block.prefixLength)
            let key = AccessKey.of(partition, block.address, prefixLength: block.prefixLength)
            // Listed under one more, because a block can be everything.
            return [NodeKey(key: key, length: length + 1)]
        case .presence, .interval, .none: return [NodeKey(key: AccessKey.of(partition))]
        }
    }

    /// The rarest piece of the text that is looked for, and the value of an element.
    private mutating func parts(of literal: Literal, in partition: Int32) -> [NodeKey] {
        var keys = vocabulary.comparisons.keys(of: literal.comparison).map {
            NodeKey(key: AccessKey.of(partition, value: $0))
        }
        var text: [UInt8] = []
        switch vocabulary.comparisons.comparisons[Int(literal.comparison)]?.test {
        case .contains(_, let search?): text = search.needle
        case .matches(let regex): text = regex.required
        default: break
        }
        guard !text.isEmpty else { return keys }
        let count = min(text.count, AccessKey.longestPiece)
        var best: (key: UInt64, size: Int)?
        text.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return }
            for start in 0...(text.count - count) {
                let key = AccessKey.piece(partition, base + start, count: count)
                let child = nodesByKey.find(key)
                let size = child < 0 ? 0 : size(of: child)
                if size < best?.size ?? .max { best = (key, size) }
                if size == 0 { break }
            }
        }
        if let best { keys.append(NodeKey(key: best.key)) }
        partitions[Int(partition)].levels |= 1 << UInt64(count)
        return keys
    }

    /// About how much is in a node.
    private func size(of node: Int32) -> Int {
        let node = nodes[Int(node)]
        return Int(node.list.count) + Int(node.ways.count) * Self.maximumWaiting
    }

    /// Joins all bounds of a placement on a field to one interval, and puts it into its cell.
    private mutating func leadIntoCell(_ number: Int32, by index: Int, _ partition: Int32) {
        let field = partitions[Int(partition)].field
        var placement = placements[Int(number)]
        guard let interval = interval(placement.alternative, index, field) else { return }
        (placement.low, placement.high) = (interval.low, interval.high)
        placement.boundary = 1 << UInt64(index)
        for other in 0..<Int(alternatives[Int(placement.alternative)].literals.count) where other != index {
            guard let bound = self.interval(placement.alternative, other, field), bound.of == interval.of else {
                continue
            }
            let (low, high) = (max(placement.low, bound.low), min(placement.high, bound.high))
            guard low <= high else { continue }
            (placement.low, placement.high) = (low, high)
            placement.boundary |= 1 << UInt64(other)
        }
        placement.remaining &= ~placement.boundary
        placement.untried &= ~placement.boundary
        placements[Int(number)] = placement
        let (cell, level) = cells.add(
            candidate(number), low: placement.low, high: placement.high, to: AccessKey.cell(partition, interval.of))
        placements[Int(number)].node = ~cell
        partitions[Int(partition)].count += 1
        if level < IntervalCells.pointLevel {
            partitions[Int(partition)].levels |= 1 << UInt64(level)
        } else {
            partitions[Int(partition)].hasPoints = true
        }
    }

    private func interval(_ alternative: Int32, _ index: Int, _ field: Int32) -> PlaceInterval? {
        let literal = literal(alternative, index)
        guard !literal.isNegated, vocabulary.access(literal) == .interval,
            vocabulary.comparisons.checks[Int(literal.comparison)].field == field,
            let test = vocabulary.comparisons.comparisons[Int(literal.comparison)]?.test
        else { return nil }
        return PlaceInterval(test, isTime: vocabulary.fields.isTime(field))
    }
}
