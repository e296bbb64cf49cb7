import EventModel
import EventStore
import JSONTree
import NIOCore
import Synchronization

/// Events of one organization in the form in which streams send them.
///
/// Each event is encoded once, whoever listens, and streams of the same filter send the same bytes.
final class StreamBatch: Sendable {
    /// All events one after the other; event `i` lies between the bounds `i` and `i + 1`.
    fileprivate struct Encoded: Sendable {
        let bytes: ByteBuffer
        let bounds: [Int]

        func slice(_ first: Int, _ last: Int) -> ByteBuffer {
            bytes.getSlice(at: bounds[first], length: bounds[last + 1] - bounds[first]) ?? ByteBuffer()
        }
    }

    private let events: [Event]
    private let encoded = Once<Encoded>()
    private let parsed = Once<[ParsedEvent?]>()
    private let filtered = Mutex<[String: Once<[Int]>]>([:])

    init(_ events: [Event]) {
        self.events = events
    }

    /// Whether something may pass a filter, by the members of the events alone.
    func mayPass(_ filter: EventFilter) -> Bool {
        events.contains { filter.matchesColumns($0) }
    }

    /// What passes of the events behind a position.
    func selection(_ filter: StreamFilter, after position: Int64) -> StreamSelection? {
        let indices = indices(filter, after: position)
        guard let last = indices.last else { return nil }
        return StreamSelection(encoded: encoded.value { encode() }, indices: indices, lastID: events[last].id)
    }

    private func indices(_ filter: StreamFilter, after position: Int64) -> [Int] {
        func select() -> [Int] {
            events.indices.filter { events[$0].position > position && passes($0, filter) }
        }
        // Only who joins in the middle of a batch has seen a part of it.
        guard let first = events.first, first.position > position else { return select() }
        let shared = filtered.withLock { known in
            if let found = known[filter.name] { return found }
            let made = Once<[Int]>()
            known[filter.name] = made
            return made
        }
        return shared.value(select)
    }

    private func passes(_ index: Int, _ filter: StreamFilter) -> Bool {
        if filter.isOpen { return true }
        guard filter.filter.matchesColumns(events[index]) else { return false }
        guard filter.filter.looksIntoContents else { return true }
        // The gateway has checked the data before it was stored; what is damaged has no contents to pass by.
        let parsed = parsed.value { events.map { try? ParsedEvent($0) } }
        return parsed[index].map { filter.filter.matchesContents($0) } ?? false
    }

    private func encode() -> Encoded {
        var bytes = ByteBuffer()
        var bounds = [0]
        bounds.reserveCapacity(events.count + 1)
        for event in events {
            var writer = JSONWriter()
            event.write(to: &writer)
            bytes.writeString("id: \(event.id)\ndata: ")
            bytes.writeBytes(writer.bytes)
            bytes.writeString("\n\n")
            bounds.append(bytes.readableBytes)
        }
        return Encoded(bytes: bytes, bounds: bounds)
    }
}

/// The events of a batch that one stream sends, as finished bytes.
struct StreamSelection: Sendable {
    /// Bytes that are copied for one write. Streams of many different filters would otherwise each hold a copy of
    /// nearly the whole batch while their clients take their time.
    private static let copiedBytes = 32 * 1_024

    fileprivate let encoded: StreamBatch.Encoded
    fileprivate let indices: [Int]
    /// The id of the last event.
    let lastID: UniqueID

    /// How many events there are.
    var count: Int { indices.count }

    /// The bytes from the event at `next` on, as many as one write sends; nil behind the last.
    ///
    /// Neighbours are sent from the bytes that all streams share. Others are copied together, because a write costs
    /// more than a copy.
    func piece(from next: inout Int) -> ByteBuffer? {
        guard next < indices.count else { return nil }
        var copy = ByteBuffer()
        while next < indices.count, copy.readableBytes < Self.copiedBytes {
            var end = next + 1
            while end < indices.count, indices[end] == indices[end - 1] + 1 { end += 1 }
            let neighbours = encoded.slice(indices[next], indices[end - 1])
            let isLarge = neighbours.readableBytes >= Self.copiedBytes || end - next == indices.count
            if isLarge, copy.readableBytes > 0 { return copy }
            next = end
            if isLarge { return neighbours }
            copy.writeImmutableBuffer(neighbours)
        }
        return copy
    }
}

/// A value that the first who asks for it works out, and the others wait for.
private final class Once<Value: Sendable>: Sendable {
    private let known = Mutex<Value?>(nil)

    func value(_ make: () -> Value) -> Value {
        known.withLock { known in
            if let known { return known }
            let made = make()
            known = made
            return made
        }
    }
}
