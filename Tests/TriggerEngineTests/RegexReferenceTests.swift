import Testing

@testable import TriggerEngine

/// Matches by trying everything, from the parsed tree: all places at which a match that begins here can end.
private enum Backtracking {
    static func matches(_ node: RegexNode, _ text: [UInt32]) -> Bool {
        (0...text.count).contains { !ends(node, text, $0).isEmpty }
    }

    private static func ends(_ node: RegexNode, _ text: [UInt32], _ start: Int) -> Set<Int> {
        switch node {
        case .empty: return [start]
        case .set(let set): return start < text.count && set.contains(text[start]) ? [start + 1] : []
        case .assertion(let assertion):
            let before = start > 0 ? text[start - 1] : nil
            return assertion.holds(before: before, after: start < text.count ? text[start] : nil) ? [start] : []
        case .sequence(let nodes):
            return nodes.reduce([start]) { places, node in
                places.reduce(into: []) { $0.formUnion(ends(node, text, $1)) }
            }
        case .choice(let nodes):
            return nodes.reduce(into: []) { $0.formUnion(ends($1, text, start)) }
        case .repetition(let node, let minimum, let maximum):
            var current: Set<Int> = [start]
            var all: Set<Int> = minimum == 0 ? current : []
            // More rounds than characters reach nothing new.
            for round in 1...max(1, min(maximum ?? .max, minimum + text.count + 1)) where maximum != 0 {
                current = current.reduce(into: []) { $0.formUnion(ends(node, text, $1)) }
                if round >= minimum { all.formUnion(current) }
            }
            return all
        }
    }
}

private struct RandomPattern {
    var chance: SeededGenerator

    mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &chance) }

    mutating func pattern(depth: Int) -> String {
        (0..<number(1..<4)).map { _ in piece(depth: depth) }.joined()
    }

    private mutating func piece(depth: Int) -> String {
        let atoms = ["a", "b", "c", ".", "[ab]", "[^a]", "^", "$", #"\b"#, #"\B"#, #"\w"#, "é"]
        var atom = atoms[number(0..<atoms.count)]
        if depth > 0, number(0..<3) == 0 {
            let branches = (0..<number(1..<4)).map { _ in pattern(depth: depth - 1) }
            atom = "(" + branches.joined(separator: "|") + ")"
        }
        let quantifiers = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0}", "{1,}", "*?", "{0,2}?"]
        return atom + quantifiers[number(0..<quantifiers.count)]
    }

    mutating func text() -> String {
        let characters = ["a", "b", "c", " ", "é", "\n"]
        return (0..<number(0..<8)).map { _ in characters[number(0..<characters.count)] }.joined()
    }
}

@Suite("Regular expressions against the reference")
struct RegexReferenceTests {
    @Test("A random pattern matches what trying everything finds", arguments: 0..<40)
    func random(seed: Int) throws {
        var random = RandomPattern(chance: SeededGenerator(seed: UInt64(seed) + 1_000))
        for _ in 0..<50 {
            let pattern = random.pattern(depth: 2)
            var parser = RegexParser(pattern)
            let node = try parser.parse()
            for _ in 0..<8 {
                let text = random.text()
                let expected = Backtracking.matches(node, text.unicodeScalars.map(\.value))
                #expect(try text.hasMatch(of: pattern) == expected, "\(pattern) in \(text)")
            }
        }
    }
}
