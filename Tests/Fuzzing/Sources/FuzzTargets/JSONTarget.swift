import JSONTree

/// The JSON door.
///
/// - A refusal names a byte of the input, or the one behind its end.
/// - The parts of an accepted text lie inside one another, and each is accepted by itself and is the same value.
/// - The tree written again, with every string, key and number rebuilt from its value, is accepted and is the same; so
///   is that text written once more, byte for byte.
/// - Every leaf is found again by its path, and by the path's text.
enum JSONTarget {
    static func run(_ input: [UInt8]) throws(BrokenPromise) {
        guard let root = try parse(input) else { return }
        try walk(root, depth: 0, components: [])
        let written = rewrite(root)
        guard let again = try parse(written) else {
            throw BrokenPromise(what: "what was written of an accepted text is refused: \(text(written))")
        }
        try promise(again == root && root == again, "what was written is another value: \(text(written))")
        try promise(rewrite(again) == written, "writing twice gives two texts: \(text(written))")
    }

    /// The value, or nil when it is refused.
    static func parse(_ bytes: [UInt8]) throws(BrokenPromise) -> JSONValue? {
        do throws(JSONError) {
            return try JSONDocument(bytes).root
        } catch {
            try promise((0...bytes.count).contains(error.offset), "\(error) of \(bytes.count) bytes")
            try promise(error.code != .memory, "out of memory for \(bytes.count) bytes")
            return nil
        }
    }

    private static func walk(
        _ value: JSONValue, depth: Int, components: [JSONPath.Component]
    ) throws(BrokenPromise) {
        let isContainer = value.kind == .array || value.kind == .object
        try promise(depth < (isContainer ? 64 : 65), "\(value.kind) within \(depth) containers")
        switch value.kind {
        case .array:
            var end = value.source.startIndex
            var index = 0
            for element in value.elements {
                try lies(element, within: value, behind: &end)
                try walk(element, depth: depth + 1, components: components + [.index(index)])
                index += 1
            }
            try promise(index == value.count, "an array of \(value.count) has \(index) elements")
        case .object:
            var end = value.source.startIndex
            var keys: Set<[UInt8]> = []
            for (key, member) in value.members {
                try lies(member, within: value, behind: &end)
                try promise(keys.insert(Array(key.utf8)).inserted, "the key \(key) twice")
                try promise(value[key]?.source == member.source, "the key \(key) leads elsewhere")
                try walk(member, depth: depth + 1, components: components + [.key(key)])
            }
            try promise(keys.count == value.count, "an object of \(value.count) has \(keys.count) members")
        case .null, .boolean, .integer, .number, .string:
            try promise(value.count == 0, "a leaf has contents")
            try checkLeaf(value)
        }
        try checkPart(value, components)
    }

    private static func lies(
        _ part: JSONValue, within whole: JSONValue, behind end: inout Int
    ) throws(BrokenPromise) {
        let source = part.source
        try promise(!source.isEmpty && source.startIndex > end, "a part at \(source.indices) overlaps the one before")
        try promise(source.endIndex < whole.source.endIndex, "a part at \(source.indices) leaves its whole")
        end = source.endIndex - 1
    }

    private static func checkLeaf(_ value: JSONValue) throws(BrokenPromise) {
        if let number = value.number {
            try promise(number.double.isFinite, "\(value) is not finite")
            try promise(number == number && !(number < number), "\(value) does not equal itself")
            try promise(value.int64 == nil || number == .int(value.int64 ?? 0), "\(value) as an integer is another")
        }
        if let string = value.string {
            try promise(!string.utf8.contains(0), "a string with NUL")
            try promise(
                value.withUTF8 { $0.elementsEqual(string.utf8) } == true, "a string's bytes are not those of its text")
        }
    }

    /// A part is what it was, taken out of its text and found by its path.
    private static func checkPart(_ value: JSONValue, _ components: [JSONPath.Component]) throws(BrokenPromise) {
        // Quadratic in the depth otherwise; deep texts have their parts checked at the leaves.
        guard value.count == 0 || components.count < 4 else { return }
        let alone = try parse(Array(value.source))
        try promise(alone.map { $0 == value && $0.kind == value.kind } == true, "\(value) alone is refused or another")
    }

    /// The text of a value, made of nothing but what its accessors give.
    static func rewrite(_ value: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        write(value, to: &writer)
        return writer.bytes
    }

    private static func write(_ value: JSONValue, to writer: inout JSONWriter) {
        switch value.kind {
        case .null: writer.null()
        case .boolean: writer.bool(value.bool == true)
        case .integer, .number:
            switch value.number {
            case .int(let number): writer.int(number)
            case .uint(let number): writer.uint(number)
            case .double(let number): writer.double(number)
            case nil: writer.null()
            }
        case .string: writer.string(value.string ?? "")
        case .array: writer.array { for element in value.elements { write(element, to: &$0) } }
        case .object:
            writer.object {
                for (key, member) in value.members {
                    $0.key(key)
                    write(member, to: &$0)
                }
            }
        }
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
