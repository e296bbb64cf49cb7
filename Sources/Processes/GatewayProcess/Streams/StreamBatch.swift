import EventModel
import EventStore
import JSONTree
import NIOCore
import Synchronization

/// Events of one organization in the form in which streams send them.
///
/// Each event is encoded once, whoever listens, and streams of the same filter send the same bytes.
final class StreamBatch: Sendable {
    /// Finished bytes, and how many events they hold.
    struct Frames: Sendable {
        let bytes: ByteBuffer
        let count: Int
        /// The id of the last of them.
        let lastID: UniqueID?
    }

    /// All events one after the other; event `i` lies between the bounds `i` and `i + 1`.
    private struct Encoded: Sendable {
        let bytes: ByteBuffer
        let bounds: [Int]

        func slice(_ first: Int, _ last: Int) -> ByteBuffer {
            bytes.getSlice(at: bounds[first], length: bounds[last + 1] - bounds[first]) ?? ByteBuffer()
        }
    }

    private let events: [Event]
    private let encoded = Once<Encoded>()
    private let parsed = Once<[ParsedEvent?]>()
    private let filtered = Mutex<[StreamFilter.Key: Once<Frames>]>([:])

    init(_ events: [Event]) {
        self.events = events
    }

    /// The id of the last event, whether it passes any filter or not.
    var lastID: UniqueID? { events.last?.id }

    /// What passes of the events behind a position.
    func frames(for filter: StreamFilter, after position: Int64) -> Frames {
        // Only who joins in the middle of a batch has seen a part of it.
        guard let first = events.first, first.position > position else {
            return select(filter, after: position)
        }
        let shared = filtered.withLock { known in
            if let found = known[filter.key] { return found }
            let made = Once<Frames>()
            known[filter.key] = made
            return made
        }
        return shared.value { select(filter, after: position) }
    }

    private func select(_ filter: StreamFilter, after position: Int64) -> Frames {
        let indices = events.indices.filter { events[$0].position > position && passes($0, filter) }
        guard let first = indices.first, let last = indices.last else {
            return .init(bytes: ByteBuffer(), count: 0, lastID: nil)
        }
        let all = encoded.value { encode() }
        // Neighbours are sent from the bytes that all streams share.
        if last - first + 1 == indices.count {
            return Frames(bytes: all.slice(first, last), count: indices.count, lastID: events[last].id)
        }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(indices.reduce(0) { $0 + all.bounds[$1 + 1] - all.bounds[$1] })
        for index in indices { bytes.writeImmutableBuffer(all.slice(index, index)) }
        return Frames(bytes: bytes, count: indices.count, lastID: events[last].id)
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
