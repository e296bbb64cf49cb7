import EventModel
import PostgresWire
import TriggerEngine

extension TriggerStore {
    /// Every enabled trigger of every organization, for the pipeline's role; what no longer parses is logged and left
    /// out.
    ///
    /// Read ``changeCount()`` first, so that a change in between is noticed and not missed.
    public func allTriggers() async throws -> [Trigger] {
        var triggers: [Trigger] = []
        var after: UniqueID?
        repeat {
            let rows = try await pool.query(
                TriggerStatements.allEnabled, [.optional(after), .int8(Int64(Self.pageSize))])
            triggers += rows.compactMap { readable($0) }
            after = rows.count == Self.pageSize ? try rows.last?.decode(0) : nil
        } while after != nil
        return triggers
    }

    /// A number that grows with every change of any trigger, and stays when there is none.
    ///
    /// It is exact where a time stamp is not: each change raises a version or marks a deletion, and both are counted
    /// when they have committed. Compare it on every poll; load ``allTriggers()`` when it differs.
    public func changeCount() async throws -> Int64 {
        let rows = try await pool.query(TriggerStatements.changeCount)
        return try rows[0].decode(0)
    }

    private static let pageSize = 500
}
