extension RegexNode {
    /// The longest run of characters that stands in every match, in UTF-8.
    ///
    /// An index looks for it first: a text without it need not be matched at all.
    var requiredText: [UInt8] {
        var runs = Runs()
        collect(into: &runs)
        runs.end()
        return runs.longest
    }

    private struct Runs {
        var current: [UInt8] = []
        var longest: [UInt8] = []

        mutating func end() {
            if current.count > longest.count { longest = current }
            current = []
        }
    }

    private func collect(into runs: inout Runs) {
        switch self {
        case .empty, .assertion: break
        case .set(let set):
            guard set.ranges.count == 1, set.ranges[0].count == 1,
                let scalar = Unicode.Scalar(set.ranges[0].lowerBound)
            else { return runs.end() }
            runs.current += Array(String(Character(scalar)).utf8)
        case .sequence(let nodes):
            for node in nodes { node.collect(into: &runs) }
        case .repetition(let node, let minimum, let maximum) where minimum > 0:
            if minimum == 1, maximum == 1 {
                node.collect(into: &runs)
            } else {
                // What is repeated stands there once at least, but what follows need not follow its first time.
                runs.end()
                node.collect(into: &runs)
                runs.end()
            }
        case .choice, .repetition: runs.end()
        }
    }
}
