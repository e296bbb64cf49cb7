import JSONTree

/// A JSON value made at random, kept apart from what it is tested against.
indirect enum RandomTree: Equatable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string([UInt8])
    case array([RandomTree])
    case object([Member])

    struct Member: Equatable {
        let key: [UInt8]
        let value: RandomTree
    }

    static func random(depth: Int = 0, using random: inout SeededGenerator) -> RandomTree {
        switch Int.random(in: depth == 0 ? 6..<10 : (depth > 5 ? 0..<6 : 0..<10), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int64(bitPattern: random.next()) >> Int64.random(in: 0..<64, using: &random))
        case 3: return .uint(UInt64(Int64.max) + 1 + random.next() >> 1)
        case 4: return .double(Double.random(in: -1e9...1e9, using: &random))
        case 5, 6: return .string(text(using: &random))
        case 7, 8:
            return .array(
                (0..<Int.random(in: 0...6, using: &random)).map { _ in Self.random(depth: depth + 1, using: &random) })
        default:
            var members: [Member] = []
            for _ in 0..<Int.random(in: 0...(depth < 2 ? 24 : 5), using: &random) {
                let key = text(using: &random)
                guard !members.contains(where: { $0.key == key }) else { continue }
                members.append(Member(key: key, value: Self.random(depth: depth + 1, using: &random)))
            }
            return .object(members)
        }
    }

    /// Up to 40 scalars of every UTF-8 length, with many that need escapes.
    private static func text(using random: inout SeededGenerator) -> [UInt8] {
        var text = ""
        for _ in 0..<Int.random(in: 0...40, using: &random) / Int.random(in: 1...8, using: &random) {
            let ranges: [ClosedRange<UInt32>] = [1...0x1F, 0x20...0x7F, 0x20...0x7F, 0x80...0x7FF, 0x800...0x10FFFF]
            let range = ranges[Int.random(in: 0..<ranges.count, using: &random)]
            text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: range, using: &random)) ?? "\"")
        }
        return Array(text.utf8)
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .int(let value): writer.int(value)
        case .uint(let value): writer.uint(value)
        case .double(let value): writer.double(value)
        case .string(let utf8): writer.string(String(decoding: utf8, as: UTF8.self))
        case .array(let elements): writer.array { for element in elements { element.write(to: &$0) } }
        case .object(let members):
            writer.object {
                for member in members {
                    $0.key(String(decoding: member.key, as: UTF8.self))
                    member.value.write(to: &$0)
                }
            }
        }
    }

    init?(_ value: JSONValue) {
        switch value.kind {
        case .null: self = .null
        case .boolean: self = .bool(value.bool ?? false)
        case .integer: self = value.int64.map(RandomTree.int) ?? .uint(value.uint64 ?? 0)
        case .number: self = .double(value.double ?? 0)
        case .string: self = .string(value.withUTF8 { Array($0) } ?? [])
        case .array: self = .array(value.elements.compactMap(RandomTree.init))
        case .object:
            self = .object(
                value.members.compactMap { key, value in
                    RandomTree(value).map { Member(key: Array(key.utf8), value: $0) }
                })
        }
    }
}
