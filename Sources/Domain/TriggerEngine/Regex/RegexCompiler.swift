/// One step of a compiled expression.
enum RegexInstruction: Sendable, Equatable {
    /// Takes one character of a set, and goes on with the next instruction.
    case take(Int)
    /// Takes this character, and goes on with the next instruction.
    case takeScalar(UInt32)
    /// Goes on with the next instruction where an assertion holds.
    case assert(RegexAssertion)
    /// Goes on in both places.
    case split(Int, Int)
    case jump(Int)
    case accept
}

/// Turns a tree into a program (Thompson, 1968).
struct RegexCompiler {
    /// Bounds the work per character of the text.
    static let maximumInstructions = 1_000

    private(set) var program: [RegexInstruction] = []
    private(set) var sets: [ScalarSet] = []

    mutating func compile(_ node: RegexNode) throws(RegexError) {
        try emit(node)
        try append(.accept)
    }

    private mutating func append(_ instruction: RegexInstruction) throws(RegexError) {
        guard program.count < Self.maximumInstructions else {
            throw RegexError(detail: "the expression is too large once its repetitions are written out", offset: 0)
        }
        program.append(instruction)
    }

    private mutating func emit(_ node: RegexNode) throws(RegexError) {
        switch node {
        case .empty:
            break
        case .set(let set):
            try append(take(set))
        case .assertion(let assertion):
            try append(.assert(assertion))
        case .sequence(let nodes):
            for node in nodes { try emit(node) }
        case .choice(let branches):
            try emitChoice(branches)
        case .repetition(let node, let minimum, let maximum):
            try emitRepetition(of: node, minimum: minimum, maximum: maximum)
        }
    }

    private mutating func take(_ set: ScalarSet) -> RegexInstruction {
        if set.ranges.count == 1, set.ranges[0].count == 1 { return .takeScalar(set.ranges[0].lowerBound) }
        if let index = sets.firstIndex(of: set) { return .take(index) }
        sets.append(set)
        return .take(sets.count - 1)
    }

    private mutating func emitChoice(_ branches: [RegexNode]) throws(RegexError) {
        var jumps: [Int] = []
        for (index, branch) in branches.enumerated() {
            guard index < branches.count - 1 else {
                try emit(branch)
                break
            }
            let split = program.count
            try append(.split(split + 1, 0))
            try emit(branch)
            jumps.append(program.count)
            try append(.jump(0))
            program[split] = .split(split + 1, program.count)
        }
        for jump in jumps { program[jump] = .jump(program.count) }
    }

    private mutating func emitRepetition(of node: RegexNode, minimum: Int, maximum: Int?) throws(RegexError) {
        for _ in 0..<minimum {
            let start = program.count
            try emit(node)
            // Nothing, however often, is nothing; and it must not take time to find out.
            if program.count == start { return }
        }
        guard let maximum else {
            let loop = program.count
            try append(.split(loop + 1, 0))
            try emit(node)
            try append(.jump(loop))
            program[loop] = .split(loop + 1, program.count)
            return
        }
        var splits: [Int] = []
        for _ in minimum..<maximum {
            splits.append(program.count)
            try append(.split(program.count + 1, 0))
            try emit(node)
        }
        for split in splits { program[split] = .split(split + 1, program.count) }
    }
}
