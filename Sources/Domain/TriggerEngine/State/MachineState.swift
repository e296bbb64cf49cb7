import EventModel

/// What one leaf, or the cooldown, of a trigger remembers of one group.
enum MachineState: Sendable, Equatable {
    case window(WindowState)
    /// Of each step but the last: the latest time at which a chain up to it can have begun.
    case sequence([Int64?])
    /// A waiting: for what, up to when, and the group of the cooldown that it would meet.
    case waiting(EventReference, due: Int64, cooldownGroup: [UInt8])
    /// Up to when the trigger keeps quiet.
    case quiet(until: Int64)
    /// How many groups a leaf has.
    case census(Census)

    private static let format: UInt8 = 1

    /// When its timer fires.
    var dueAt: Timestamp? {
        if case .waiting(_, let due, _) = self { Timestamp(microseconds: due) } else { nil }
    }

    /// The state as it is stored.
    ///
    /// - Parameter stretch: in which the census counted its group; nil when it does not.
    func encoded(stretch: Int64?) -> [UInt8] {
        var writer = StateWriter()
        writer.byte(Self.format)
        writer.byte(stretch == nil ? 0 : 1)
        writer.int(stretch ?? 0)
        switch self {
        case .window(let window):
            writer.byte(1)
            window.encode(to: &writer)
        case .sequence(let starts):
            writer.byte(2)
            writer.int(Int64(starts.count))
            for start in starts {
                writer.byte(start == nil ? 0 : 1)
                writer.int(start ?? 0)
            }
        case .waiting(let event, let due, let group):
            writer.byte(3)
            writer.bytes(event.id.bytes)
            writer.int(event.receivedAt.microseconds)
            writer.int(Int64(event.part))
            writer.int(event.position)
            writer.int(due)
            writer.bytes(group)
        case .quiet(let until):
            writer.byte(4)
            writer.int(until)
        case .census(let census):
            writer.byte(5)
            writer.int(census.stretch)
            writer.int(census.current)
            writer.int(census.previous)
        }
        return writer.result
    }

    /// Reads what ``encoded(stretch:)`` wrote.
    static func decode(_ bytes: [UInt8]) throws(StateError) -> (state: MachineState, stretch: Int64?) {
        var reader = StateReader(bytes)
        guard try reader.byte() == Self.format else { throw StateError(detail: "is of another release") }
        let hasStretch = try reader.byte() == 1
        let stretch = try reader.moment()
        let state = try MachineState(from: &reader)
        guard reader.isAtEnd else { throw StateError(detail: "goes on behind its end") }
        return (state, hasStretch ? stretch : nil)
    }

    private init(from reader: inout StateReader) throws(StateError) {
        switch try reader.byte() {
        case 1: self = .window(try WindowState(from: &reader))
        case 2:
            let count = try reader.int()
            guard (1...Int64(EventSequence.count.upperBound)).contains(count) else {
                throw StateError(detail: "has \(count) steps")
            }
            var starts: [Int64?] = []
            for _ in 0..<count {
                let isThere = try reader.byte() == 1
                let start = try reader.moment()
                starts.append(isThere ? start : nil)
            }
            self = .sequence(starts)
        case 3:
            let bytes = try reader.bytes()
            guard bytes.count == 16 else { throw StateError(detail: "has no event") }
            let id = UniqueID(bytes: bytes)
            let receivedAt = Timestamp(microseconds: try reader.int())
            guard let part = Int16(exactly: try reader.int()) else { throw StateError(detail: "has no part") }
            let event = EventReference(id: id, receivedAt: receivedAt, part: part, position: try reader.int())
            self = .waiting(event, due: try reader.moment(), cooldownGroup: try reader.bytes())
        case 4: self = .quiet(until: try reader.moment())
        case 5:
            self = .census(
                Census(
                    stretch: try reader.moment(), current: try reader.count(), previous: try reader.count()))
        case let kind: throw StateError(detail: "is of the unknown kind \(kind)")
        }
    }
}

/// Writes a state: integers as varints, the sign last; doubles as their bits.
struct StateWriter {
    private(set) var result: [UInt8] = []

    mutating func byte(_ value: UInt8) { result.append(value) }

    mutating func int(_ value: Int64) {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        while rest >= 0x80 {
            result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        result.append(UInt8(rest))
    }

    mutating func double(_ value: Double) {
        var bits = value.bitPattern
        for _ in 0..<8 {
            result.append(UInt8(truncatingIfNeeded: bits))
            bits >>= 8
        }
    }

    mutating func bytes(_ value: [UInt8]) {
        int(Int64(value.count))
        result += value
    }
}

/// Reads what ``StateWriter`` has written, and trusts none of it.
struct StateReader {
    /// Moments and counts lie within this, so that spans can be added to them.
    static let farthest: Int64 = 1 << 60

    private let source: [UInt8]
    private var offset = 0

    init(_ source: [UInt8]) {
        self.source = source
    }

    var isAtEnd: Bool { offset == source.count }

    mutating func byte() throws(StateError) -> UInt8 {
        guard offset < source.count else { throw StateError(detail: "ends too early") }
        offset += 1
        return source[offset - 1]
    }

    mutating func int() throws(StateError) -> Int64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            let next = try byte()
            value |= UInt64(next & 0x7F) << shift
            guard next & 0x80 != 0 else { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
        }
        throw StateError(detail: "has a number without end")
    }

    /// A moment in microseconds, or the number of a stretch.
    mutating func moment() throws(StateError) -> Int64 {
        let value = try int()
        guard value.magnitude <= UInt64(Self.farthest) else {
            throw StateError(detail: "has a moment beyond all time")
        }
        return value
    }

    /// How many of something.
    mutating func count() throws(StateError) -> Int64 {
        let value = try int()
        guard (0...Self.farthest).contains(value) else { throw StateError(detail: "has a number out of its bounds") }
        return value
    }

    mutating func double() throws(StateError) -> Double {
        var bits: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bits |= UInt64(try byte()) << shift }
        return Double(bitPattern: bits)
    }

    mutating func bytes() throws(StateError) -> [UInt8] {
        let count = try int()
        guard count >= 0, count <= Int64(source.count - offset) else { throw StateError(detail: "ends too early") }
        offset += Int(count)
        return Array(source[(offset - Int(count))..<offset])
    }
}
