/// Which roots of the tree an event enters by its type: that of all types, that of its own name, and those of the
/// patterns that it fits.
///
/// Each pattern is matched once with each type that is seen; the answers are kept, up to a bound. Without patterns,
/// nothing has to be kept.
struct TypeScopes: Sendable {
    /// Most types whose answer is kept.
    static let maximumSeen = 16_384

    /// One of the roots, held by those who are in it.
    struct Hold: BitwiseCopyable, Sendable {
        fileprivate enum Kind: UInt8, Sendable { case everything, name, pattern }
        fileprivate let kind: Kind
        fileprivate let number: Int32
        /// The node of the tree.
        let root: Int32
    }

    private struct Pattern: Sendable {
        let glob: Glob
        let root: Int32
        var holders = 1
    }

    /// The root of all types; negative when there is none.
    private(set) var everything: Int32 = -1
    private var everythingHolders = 0
    private var names = TextTable()
    /// By the numbers of names.
    private var nameRoots: [Int32] = []
    private var patterns: [Pattern?] = []
    private var freePatterns: [Int] = []
    private var patternNumbers: [[UInt8]: Int] = [:]

    private var seen = TextTable()
    /// By the numbers of seen types.
    private var seenRoots: [BlockPool<Int32>.Block] = []
    private(set) var roots = BlockPool<Int32>()

    var isBare: Bool { everythingHolders == 0 && names.count == 0 && patternNumbers.isEmpty }

    /// Holds the root of all types.
    mutating func holdEverything(_ makeRoot: () -> Int32) -> Hold {
        if everythingHolders == 0 { everything = makeRoot() }
        everythingHolders += 1
        return Hold(kind: .everything, number: 0, root: everything)
    }

    /// Holds the root of a type.
    mutating func hold(name: [UInt8], _ makeRoot: () -> Int32) -> Hold {
        let known = names.count
        let number = names.intern(name)
        if names.count > known {
            while nameRoots.count <= Int(number) { nameRoots.append(-1) }
            nameRoots[Int(number)] = makeRoot()
        }
        return Hold(kind: .name, number: number, root: nameRoots[Int(number)])
    }

    /// Holds the root of a pattern.
    mutating func hold(_ glob: Glob, _ makeRoot: () -> Int32) -> Hold {
        if let literal = glob.literal { return hold(name: literal, makeRoot) }
        let key = Array(glob.description.utf8)
        if let number = patternNumbers[key], let pattern = patterns[number] {
            patterns[number]?.holders += 1
            return Hold(kind: .pattern, number: Int32(number), root: pattern.root)
        }
        let pattern = Pattern(glob: glob, root: makeRoot())
        let number = freePatterns.popLast() ?? patterns.count
        if number < patterns.count { patterns[number] = pattern } else { patterns.append(pattern) }
        patternNumbers[key] = number
        forgetSeen()
        return Hold(kind: .pattern, number: Int32(number), root: pattern.root)
    }

    /// Lets go of a root; true when nobody holds it any more.
    mutating func release(_ hold: Hold) -> Bool {
        switch hold.kind {
        case .everything:
            everythingHolders -= 1
            guard everythingHolders == 0 else { return false }
            everything = -1
        case .name:
            return names.release(hold.number)
        case .pattern:
            let number = Int(hold.number)
            patterns[number]?.holders -= 1
            guard let pattern = patterns[number], pattern.holders == 0 else { return false }
            patternNumbers[Array(pattern.glob.description.utf8)] = nil
            patterns[number] = nil
            freePatterns.append(number)
            forgetSeen()
        }
        return true
    }

    /// The root of a type's own name; negative when there is none.
    func nameRoot(of type: UnsafeBufferPointer<UInt8>) -> Int32 {
        let name = names.find(type)
        return name < 0 ? -1 : nameRoots[Int(name)]
    }

    /// The roots of the patterns that a type fits: a list in ``roots``.
    mutating func patternRoots(of type: UnsafeBufferPointer<UInt8>) -> BlockPool<Int32>.Block {
        guard !patternNumbers.isEmpty else { return BlockPool<Int32>.Block() }
        let known = seen.find(type)
        if known >= 0 { return seenRoots[Int(known)] }
        if seen.count >= Self.maximumSeen { forgetSeen() }
        var block = BlockPool<Int32>.Block()
        for case let pattern? in patterns where pattern.glob.matches(type) { roots.append(pattern.root, to: &block) }
        _ = seen.intern(type)
        seenRoots.append(block)
        return block
    }

    private mutating func forgetSeen() {
        guard seen.count > 0 else { return }
        seen = TextTable()
        seenRoots.removeAll(keepingCapacity: true)
        roots = BlockPool()
    }
}
