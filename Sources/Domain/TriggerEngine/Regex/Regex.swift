/// A regular expression that takes time linear in the text, whatever the expression and the text are.
///
/// All ways through the expression are followed at once, character by character (Pike's machine; Russ Cox, "Regular
/// Expression Matching: the Virtual Machine Approach", 2009), so nothing is ever tried twice. The match may lie
/// anywhere in the text unless `^` and `$` say otherwise.
///
/// Supported: characters, `.` (any but a line feed), `[…]` and `[^…]` with ranges, `\d \w \s \D \W \S` (ASCII), `\b
/// \B`,
/// `^` and `$` (start and end of the text), groups `(…)` `(?:…)`, `|`, `* + ? {m} {m,} {m,n}` and their lazy forms,
/// `\n \r \t \f \v \xHH \uHHHH` and escaped punctuation. What needs backtracking (backreferences, lookaround) is
/// refused. A character is a Unicode scalar; there is no normalisation.
struct Regex: Sendable {
    /// The expression as written.
    let text: String
    /// Bytes that every match holds, as many as can be seen without effort; empty when none can.
    let required: [UInt8]
    private let program: [RegexInstruction]
    private let sets: [ScalarSet]
    /// Whether a match can only begin at the start.
    private let isAnchored: Bool

    init(_ text: String) throws(RegexError) {
        var parser = RegexParser(text)
        var compiler = RegexCompiler()
        let node = try parser.parse()
        try compiler.compile(node)
        self.text = text
        required = node.requiredText
        program = compiler.program
        sets = compiler.sets
        // The first instruction is passed by every way through the expression unless it is a split.
        isAnchored = program[0] == .assert(.start)
    }

    /// Whether the text, in valid UTF-8, has a match.
    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: program.count * 3) { memory in
            memory.initialize(repeating: 0)
            var machine = Machine(program: program, memory: memory)
            return run(&machine, over: text)
        }
    }

    private func run(_ machine: inout Machine, over text: UnsafeBufferPointer<UInt8>) -> Bool {
        var scalars = ScalarReader(text)
        var before: UInt32?
        while true {
            let after = scalars.next()
            if before == nil || !isAnchored { machine.seed(0) }
            if machine.follow(before: before, after: after) { return true }
            guard let after else { return false }
            machine.advance { takes($0, after) }
            if isAnchored, machine.isIdle { return false }
            before = after
        }
    }

    private func takes(_ instruction: RegexInstruction, _ scalar: UInt32) -> Bool {
        switch instruction {
        case .takeScalar(let taken): taken == scalar
        case .take(let index): sets[index].contains(scalar)
        case .assert, .split, .jump, .accept: false
        }
    }
}

/// The places in the program at which a match may be, between two characters of the text.
private struct Machine {
    private let program: [RegexInstruction]
    /// Where to go on; becomes the work list while following.
    private let pending: UnsafeMutableBufferPointer<UInt32>
    private var pendingCount = 0
    /// Where a character is to be taken.
    private let waiting: UnsafeMutableBufferPointer<UInt32>
    private var waitingCount = 0
    /// For each place, the last round in which it was reached, so that it is reached once a round.
    private let reached: UnsafeMutableBufferPointer<UInt32>
    private var round: UInt32 = 1

    init(program: [RegexInstruction], memory: UnsafeMutableBufferPointer<UInt32>) {
        let count = program.count
        self.program = program
        pending = UnsafeMutableBufferPointer(rebasing: memory[0..<count])
        waiting = UnsafeMutableBufferPointer(rebasing: memory[count..<2 * count])
        reached = UnsafeMutableBufferPointer(rebasing: memory[2 * count..<3 * count])
    }

    var isIdle: Bool { pendingCount == 0 }

    mutating func seed(_ place: Int) {
        guard reached[place] != round else { return }
        reached[place] = round
        pending[pendingCount] = UInt32(place)
        pendingCount += 1
    }

    /// Follows everything that takes no character; true when that reaches the end.
    mutating func follow(before: UInt32?, after: UInt32?) -> Bool {
        waitingCount = 0
        while pendingCount > 0 {
            pendingCount -= 1
            let place = Int(pending[pendingCount])
            switch program[place] {
            case .accept: return true
            case .jump(let target): seed(target)
            case .split(let first, let second):
                seed(first)
                seed(second)
            case .assert(let assertion):
                if assertion.holds(before: before, after: after) { seed(place + 1) }
            case .take, .takeScalar:
                waiting[waitingCount] = UInt32(place)
                waitingCount += 1
            }
        }
        return false
    }

    /// Starts the next round behind every place whose instruction takes the character.
    mutating func advance(_ takes: (RegexInstruction) -> Bool) {
        round += 1
        for index in 0..<waitingCount {
            let place = Int(waiting[index])
            if takes(program[place]) { seed(place + 1) }
        }
    }
}

/// Reads valid UTF-8 scalar by scalar.
private struct ScalarReader {
    private let text: UnsafeBufferPointer<UInt8>
    private var offset = 0

    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    mutating func next() -> UInt32? {
        guard offset < text.count else { return nil }
        let first = UInt32(text[offset])
        offset += 1
        guard first >= 0xC0 else { return first }
        let following = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1
        var scalar = first & (0x3F >> UInt32(following))
        for _ in 0..<following where offset < text.count {
            scalar = scalar << 6 | UInt32(text[offset] & 0x3F)
            offset += 1
        }
        return scalar
    }
}
