/// Why a text is not a regular expression that is supported.
struct RegexError: Error, Equatable {
    let detail: String
    /// The character, counted from 0, at which it shows.
    let offset: Int
}

/// Reads a regular expression from left to right; see ``Regex`` for what is supported.
struct RegexParser {
    static let maximumLength = 1_000
    static let maximumDepth = 50
    static let maximumRepetition = 1_000

    private let scalars: [Unicode.Scalar]
    private var offset = 0
    private var depth = 0

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
    }

    mutating func parse() throws(RegexError) -> RegexNode {
        guard scalars.count <= Self.maximumLength else {
            throw RegexError(detail: "the expression is longer than \(Self.maximumLength) characters", offset: 0)
        }
        let node = try parseChoice()
        guard offset == scalars.count else { throw error("a ')' without its '('") }
        return node
    }

    private var current: Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }

    private func error(_ detail: String) -> RegexError { RegexError(detail: detail, offset: offset) }

    private mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        offset += 1
        return true
    }

    private mutating func parseChoice() throws(RegexError) -> RegexNode {
        var branches = [try parseSequence()]
        while accept("|") { branches.append(try parseSequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func parseSequence() throws(RegexError) -> RegexNode {
        var nodes: [RegexNode] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            nodes.append(try parseRepetition(of: try parseAtom()))
        }
        return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
    }

    private mutating func parseAtom() throws(RegexError) -> RegexNode {
        guard let scalar = current else { return .empty }
        switch scalar {
        case "(": return try parseGroup()
        case "[": return .set(try parseClass())
        case "\\": return try parseEscape()
        case "*", "+", "?": throw error("nothing to repeat")
        default: break
        }
        offset += 1
        switch scalar {
        case ".": return .set(.notNewline)
        case "^": return .assertion(.start)
        case "$": return .assertion(.end)
        default: return .set(ScalarSet(scalar.value))
        }
    }

    private mutating func parseGroup() throws(RegexError) -> RegexNode {
        let start = offset
        offset += 1
        depth += 1
        guard depth <= Self.maximumDepth else { throw error("groups nest deeper than \(Self.maximumDepth)") }
        if accept("?"), !accept(":") {
            throw error("lookaround, named groups and flags are not supported; '(?:' is")
        }
        let node = try parseChoice()
        guard accept(")") else { throw RegexError(detail: "a '(' without its ')'", offset: start) }
        depth -= 1
        return node
    }
}

// MARK: - Repetition

extension RegexParser {
    private mutating func parseRepetition(of node: RegexNode) throws(RegexError) -> RegexNode {
        guard let (minimum, maximum) = try parseQuantifier() else { return node }
        // Greedy or lazy makes no difference to whether a text matches.
        _ = accept("?")
        if current == "*" || current == "+" || current == "?" { throw error("a repetition can't be repeated") }
        return .repetition(node, minimum: minimum, maximum: maximum)
    }

    private mutating func parseQuantifier() throws(RegexError) -> (minimum: Int, maximum: Int?)? {
        if accept("*") { return (0, nil) }
        if accept("+") { return (1, nil) }
        if accept("?") { return (0, 1) }
        let start = offset
        guard accept("{"), let minimum = parseNumber() else {
            // A brace that counts nothing is a brace.
            offset = start
            return nil
        }
        var maximum: Int? = minimum
        if accept(",") { maximum = parseNumber() }
        guard accept("}") else {
            offset = start
            return nil
        }
        guard max(minimum, maximum ?? 0) <= Self.maximumRepetition else {
            throw RegexError(detail: "repeats more than \(Self.maximumRepetition) times", offset: start)
        }
        guard minimum <= maximum ?? minimum else {
            throw RegexError(detail: "the least number of repetitions is above the greatest", offset: start)
        }
        return (minimum, maximum)
    }

    private mutating func parseNumber() -> Int? {
        let start = offset
        var number = 0
        while let scalar = current, ScalarSet.digits.contains(scalar.value) {
            number = min(number * 10 + Int(scalar.value - 0x30), 1_000_000)
            offset += 1
        }
        return offset > start ? number : nil
    }
}

// MARK: - Escapes and classes

extension RegexParser {
    private mutating func parseEscape() throws(RegexError) -> RegexNode {
        if scalars.indices.contains(offset + 1) {
            switch scalars[offset + 1] {
            case "b":
                offset += 2
                return .assertion(.wordBoundary)
            case "B":
                offset += 2
                return .assertion(.noWordBoundary)
            case "1"..."9", "k":
                throw error("backreferences are not supported")
            default: break
            }
        }
        return .set(try parseSetEscape())
    }

    /// An escape that stands for characters, inside a class or outside.
    private mutating func parseSetEscape() throws(RegexError) -> ScalarSet {
        let start = offset
        offset += 1
        guard let scalar = current else { throw RegexError(detail: "an escape without its character", offset: start) }
        offset += 1
        switch scalar {
        case "d": return .digits
        case "D": return ScalarSet.digits.complement
        case "w": return .word
        case "W": return ScalarSet.word.complement
        case "s": return .space
        case "S": return ScalarSet.space.complement
        case "n": return ScalarSet(0x0A)
        case "r": return ScalarSet(0x0D)
        case "t": return ScalarSet(0x09)
        case "f": return ScalarSet(0x0C)
        case "v": return ScalarSet(0x0B)
        case "x": return ScalarSet(try parseHexadecimal(2, from: start))
        case "u": return ScalarSet(try parseHexadecimal(4, from: start))
        default: break
        }
        guard scalar.isASCII, !ScalarSet.word.contains(scalar.value) else {
            throw RegexError(detail: "the escape \\\(scalar) is not supported", offset: start)
        }
        return ScalarSet(scalar.value)
    }

    private mutating func parseHexadecimal(_ count: Int, from start: Int) throws(RegexError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let scalar = current, let digit = Character(scalar).hexDigitValue, scalar.isASCII else {
                throw RegexError(detail: "expected \(count) hexadecimal digits", offset: start)
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    private mutating func parseClass() throws(RegexError) -> ScalarSet {
        let start = offset
        offset += 1
        let isNegated = accept("^")
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while let scalar = current, scalar != "]" || isFirst {
            isFirst = false
            ranges += try parseClassItem(scalar)
        }
        guard accept("]") else { throw RegexError(detail: "a '[' without its ']'", offset: start) }
        let set = ScalarSet(ranges)
        return isNegated ? set.complement : set
    }

    /// One character, one escape, or a range of two characters.
    private mutating func parseClassItem(_ scalar: Unicode.Scalar) throws(RegexError) -> [ClosedRange<UInt32>] {
        let start = offset
        if scalar == "[", offset + 1 < scalars.count, ":.=".unicodeScalars.contains(scalars[offset + 1]) {
            throw error("named classes are not supported")
        }
        let low = try parseClassCharacter()
        guard offset + 1 < scalars.count, current == "-", scalars[offset + 1] != "]" else { return low.ranges }
        offset += 1
        let high = try parseClassCharacter()
        guard let first = low.single, let last = high.single, first <= last else {
            throw RegexError(detail: "not a range of characters", offset: start)
        }
        return [first...last]
    }

    private mutating func parseClassCharacter() throws(RegexError) -> ScalarSet {
        guard let scalar = current else { throw error("a '[' without its ']'") }
        if scalar == "\\" { return try parseSetEscape() }
        offset += 1
        return ScalarSet(scalar.value)
    }
}

extension ScalarSet {
    /// The one scalar of the set; nil when there are several.
    fileprivate var single: UInt32? {
        guard ranges.count == 1, ranges[0].count == 1 else { return nil }
        return ranges[0].lowerBound
    }
}
