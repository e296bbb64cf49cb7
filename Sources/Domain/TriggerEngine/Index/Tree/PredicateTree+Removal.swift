extension PredicateTree {
    /// Removes a condition, with everything that only it needed.
    mutating func remove(_ entry: Int32) {
        let removed = entries[Int(entry)]
        var number = removed.placements
        while number >= 0 {
            let placement = placements[Int(number)]
            if placement.node < 0 {
                let cell = cells.remove(number, low: placement.low, high: placement.high, from: ~placement.node)
                shrink(AccessKey.partition(cell))
            } else {
                take(number, from: placement.node)
                prune(placement.node)
            }
            freePlacements.append(number)
            number = placement.next
        }
        var alternative = removed.alternatives
        while alternative >= 0 {
            literals.release(&alternatives[Int(alternative)].literals)
            freeAlternatives.append(alternative)
            alternative = alternatives[Int(alternative)].next
        }
        for comparison in comparisons.array(removed.comparisons) { vocabulary.release(comparison) }
        comparisons.release(&entries[Int(entry)].comparisons)
        steps.release(&entries[Int(entry)].program)
    }

    /// Takes a placement out of the list of a node.
    mutating func take(_ number: Int32, from node: Int32) {
        let index = candidates.withElements(nodes[Int(node)].list) { list in
            list.firstIndex { $0.placement == number }
        }
        guard let index else { return }
        candidates.removeSwapping(at: index, from: &nodes[Int(node)].list)
        if placements[Int(number)].untried != 0 { origins[Int(node)].waiting -= 1 }
        refresh(node)
    }

    /// Counts the lengths that the keys of a partition have; 0 isn't counted.
    mutating func count(_ length: Int, by change: Int32, in partition: Int32) {
        guard length > 0 else { return }
        var known = lengths.array(partitions[Int(partition)].lengths)
        if let index = known.firstIndex(where: { $0.length == length }) {
            known[index].count += change
            if known[index].count == 0 { known.remove(at: index) }
        } else {
            let index = known.firstIndex { $0.length > length } ?? known.count
            known.insert(KeyLength(length: Int32(length), count: change), at: index)
        }
        lengths.release(&partitions[Int(partition)].lengths)
        partitions[Int(partition)].lengths = lengths.make(known)
    }

    /// Removes a node with nothing in it, unless it is a root.
    private mutating func prune(_ node: Int32) {
        let gone = origins[Int(node)]
        guard nodes[Int(node)].list.count == 0, nodes[Int(node)].ways.count == 0, gone.partition >= 0 else { return }
        children.remove(gone.key)
        nodesByKey.remove(gone.key)
        count(Int(gone.keyLength), by: -1, in: gone.partition)
        freeNodes.append(node)
        shrink(gone.partition)
    }

    /// Counts what a partition leads to down by one, and removes it when that was the last.
    private mutating func shrink(_ number: Int32) {
        partitions[Int(number)].count -= 1
        let gone = partitions[Int(number)]
        guard gone.count == 0 else { return }
        partitionsByWay.remove(WayKey(node: gone.node, field: gone.field, access: gone.access.rawValue))
        lengths.release(&partitions[Int(number)].lengths)
        let index = ways.withElements(nodes[Int(gone.node)].ways) { list in
            list.firstIndex { $0.partition == number }
        }
        if let index { ways.removeSwapping(at: index, from: &nodes[Int(gone.node)].ways) }
        refresh(gone.node)
        freePartitions.append(number)
        prune(gone.node)
    }
}
