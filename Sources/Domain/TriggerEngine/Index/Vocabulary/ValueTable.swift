import EventModel
import JSONTree

/// What a field holds, as far as comparisons tell values apart.
enum ValueKind: UInt8, Sendable {
    case missing
    case null
    case no
    case yes
    case signed
    case unsigned
    case double
    case text
    case array
    case object
    /// A moment, in microseconds since 1970.
    case time

    init(_ form: JSONNodes.Form) { self = ValueKind(rawValue: form.rawValue + 1) ?? .missing }

    var isNumber: Bool { self == .signed || self == .unsigned || self == .double }
}

/// A value without text, in the one form that equal values have in common.
struct ScalarKey: FlatKey {
    let bits: UInt64
    let kind: UInt8

    var hash64: UInt64 { ByteString.fold(bits ^ 0x9E37_79B9_7F4A_7C15, 0xE703_7ED1_A0B4_28DB &+ UInt64(kind) << 1) }

    /// - Parameter bits: of a number as it is held, of a moment its microseconds.
    init(_ kind: ValueKind, bits: UInt64) {
        switch kind {
        case .unsigned where bits <= UInt64(Int64.max): self.init(.signed, exactly: bits)
        case .double:
            let value = Double(bitPattern: bits)
            if let integer = Int64(exactly: value) {
                self.init(.signed, exactly: UInt64(bitPattern: integer))
            } else if let integer = UInt64(exactly: value) {
                self.init(.unsigned, exactly: integer)
            } else {
                self.init(.double, exactly: bits)
            }
        default: self.init(kind, exactly: bits)
        }
    }

    private init(_ kind: ValueKind, exactly bits: UInt64) {
        self.kind = kind.rawValue
        self.bits = bits
    }
}

/// Values under numbers: those that compare as equal have one number. Texts have even numbers, all others odd ones.
struct ValueTable: Sendable {
    /// Longest text that a field is compared with.
    private static let longestText = Comparison.maximumTextLength

    private var texts = TextTable()
    private var scalars = FlatTable<ScalarKey, Int32>()
    private var holders: [Int32] = []
    private var keys: [ScalarKey] = []
    private var free: [Int32] = []

    var isBare: Bool { texts.count == 0 && scalars.count == 0 }

    /// The number of a text; -1 when nothing is compared with it.
    func find(_ text: UnsafeBufferPointer<UInt8>) -> Int32 {
        guard text.count <= Self.longestText else { return -1 }
        let id = texts.find(text)
        return id < 0 ? -1 : id << 1
    }

    /// The number of any other value; -1 when nothing is compared with it.
    func find(_ key: ScalarKey) -> Int32 {
        let id = scalars.find(key)
        return id < 0 ? -1 : id << 1 | 1
    }

    /// The number of an operand, held once more; nil for what is not one value: arrays, objects, and of a time what
    /// is none.
    mutating func intern(_ operand: Operand, isTime: Bool) -> Int32? {
        switch operand {
        case .text(let bytes, let time):
            guard isTime else { return texts.intern(bytes) << 1 }
            return time.map { intern(ScalarKey(.time, bits: UInt64(bitPattern: $0.microseconds))) }
        case .container: return nil
        case .null: return intern(ScalarKey(.null, bits: 0))
        case .boolean(let value): return intern(ScalarKey(value ? .yes : .no, bits: 0))
        case .number(let number): return intern(number.key)
        }
    }

    private mutating func intern(_ key: ScalarKey) -> Int32 {
        let known = scalars.find(key)
        if known >= 0 {
            holders[Int(known)] += 1
            return known << 1 | 1
        }
        let id: Int32
        if let freed = free.popLast() {
            id = freed
            holders[Int(id)] = 1
            keys[Int(id)] = key
        } else {
            id = Int32(keys.count)
            holders.append(1)
            keys.append(key)
        }
        scalars.insert(key, id)
        return id << 1 | 1
    }

    /// Lets go of a value once.
    mutating func release(_ value: Int32) {
        let id = value >> 1
        guard value & 1 == 1 else {
            texts.release(id)
            return
        }
        holders[Int(id)] -= 1
        guard holders[Int(id)] == 0 else { return }
        scalars.remove(keys[Int(id)])
        free.append(id)
    }
}

extension JSONNumber {
    /// How the number is held.
    var held: (kind: ValueKind, bits: UInt64) {
        switch self {
        case .int(let value): (.signed, UInt64(bitPattern: value))
        case .uint(let value): (.unsigned, value)
        case .double(let value): (.double, value.bitPattern)
        }
    }

    init(_ kind: ValueKind, _ bits: UInt64) {
        switch kind {
        case .signed: self = .int(Int64(bitPattern: bits))
        case .unsigned: self = .uint(bits)
        default: self = .double(Double(bitPattern: bits))
        }
    }

    fileprivate var key: ScalarKey { ScalarKey(held.kind, bits: held.bits) }
}
