import EventModel
import EventStore
import FrameRing
import Logging

/// Where in each part of the log the framing is.
struct LogCursor {
    /// Most events that one batch reads.
    static let batchLimit = 500

    private(set) var positions: [Int16: Int64]
    private(set) var heads: [Int16: Int64]

    /// Events in the log that have no frame yet.
    var lag: Int64 { heads.reduce(0) { $0 + max(0, $1.value - (positions[$1.key] ?? 0)) } }

    /// The parts that have work, in order.
    var partsBehind: [Int16] { heads.keys.filter { heads[$0]! > positions[$0] ?? 0 }.sorted() }

    mutating func advance(_ part: Int16, to position: Int64) { positions[part] = position }

    mutating func look(_ heads: [(part: Int16, head: Int64)]) {
        for (part, head) in heads { self.heads[part] = head }
    }

    func head(of part: Int16) -> Int64 { heads[part] ?? 0 }
}

extension LogCursor {
    /// Finds where to go on, from what a ring remembers and what the log has.
    ///
    /// Saved positions may be older than the ring's newest frames, when a writer was killed between the two. Those
    /// frames are of events of one batch, so they lie in the first batch after some part's position, in order: that
    /// part goes on after the last event that has a frame.
    ///
    /// Without saved positions the events that would fill the ring are framed, less those that are in it. So it is with
    /// a part whose log ends before its position: the database is another one, or an older one that was restored.
    init(resuming ring: RingWriter, log: LogReader, limit: Int, logger: Logger) async throws {
        let heads = try await log.heads()
        self.heads = Dictionary(uniqueKeysWithValues: heads.map { ($0.part, $0.head) })
        positions = [:]
        let saved = ring.saved
        let unsaved = ring.framedEvents(from: saved?.head ?? 0)
        var all: Set<UniqueID>?
        if saved == nil, ring.head > 0 { logger.warning("ring.positions.missing") }
        for (part, head) in heads {
            let position = saved?.parts[part] ?? 0
            if saved != nil, position <= head {
                positions[part] = try await Self.lastFramed(
                    in: unsaved, part: part, after: position, until: min(head, position + Int64(limit)), log: log)
                continue
            }
            if saved != nil {
                logger.warning(
                    "ring.positions.foreign",
                    metadata: ["log.part": "\(part)", "log.head": "\(head)", "ring.position": "\(position)"])
            }
            let framed = all ?? ring.framedEvents(from: 0)
            all = framed
            positions[part] = try await Self.lastFramed(
                in: framed, part: part, after: max(0, head - Int64(ring.capacity)), until: head, log: log)
        }
    }

    /// The position of the last of these events in a range of a part; the beginning of the range when there is none.
    private static func lastFramed(
        in framed: Set<UniqueID>, part: Int16, after start: Int64, until end: Int64, log: LogReader
    ) async throws -> Int64 {
        var (last, reached) = (start, start)
        while !framed.isEmpty, reached < end {
            let limit = Int(min(Int64(batchLimit), end - reached))
            let events = try await log.read(part: part, after: reached, limit: limit)
            guard let newest = events.last else { break }
            last = events.last { framed.contains($0.id) }?.position ?? last
            reached = newest.position
        }
        return last
    }
}
