import ActionModel
import EventModel
import Synchronization

/// A session with a server, as far as its caller knows it.
struct MCPSession: Sendable {
    /// Nil with a server that keeps no sessions.
    let id: String?
    /// The revision of the protocol that was agreed upon.
    let revision: String
    /// What the server offered when it began.
    let tools: [MCPTool]
}

/// Sessions that may be used again: one for each server and set of headers of an organization.
///
/// A session costs three requests to begin. One that was not used for a while, or that the server has forgotten, is
/// begun anew; which tools there are is asked then.
final class MCPSessions: Sendable {
    /// To whom a session belongs. Headers are part of it, because a session is opened with their credentials.
    struct Key: Hashable, Sendable {
        let organizationID: UniqueID
        let url: String
        let headers: [String]
    }

    private struct Entry {
        let session: MCPSession
        let call: RenderedTool
        var usedAt: ContinuousClock.Instant
    }

    static let maximumCount = 256
    static let idleTime = Duration.seconds(300)

    private let entries = Mutex<[Key: Entry]>([:])

    /// The session of a key, unless it lay idle for too long.
    func session(_ key: Key) -> MCPSession? {
        entries.withLock { entries in
            guard var entry = entries[key], entry.usedAt.duration(to: .now) < Self.idleTime else { return nil }
            entry.usedAt = .now
            entries[key] = entry
            return entry.session
        }
    }

    /// Keeps a session, unless the key has one by now that others may be using: what begins at the same time must not
    /// end each other's.
    ///
    /// - Returns: those that are not kept, which should be ended: this one, or what had to go for it.
    func keep(_ session: MCPSession, _ call: RenderedTool, _ key: Key) -> [(MCPSession, RenderedTool)] {
        entries.withLock { entries in
            var gone: [(MCPSession, RenderedTool)] = []
            if let old = entries[key] {
                guard old.usedAt.duration(to: .now) >= Self.idleTime else { return [(session, call)] }
                gone.append((old.session, old.call))
            }
            entries[key] = Entry(session: session, call: call, usedAt: .now)
            if entries.count > Self.maximumCount, let oldest = entries.min(by: { $0.value.usedAt < $1.value.usedAt }) {
                entries[oldest.key] = nil
                gone.append((oldest.value.session, oldest.value.call))
            }
            return gone
        }
    }

    /// Forgets a session that its server does not know any more, unless it is another by now.
    func forget(_ session: MCPSession, _ key: Key) {
        entries.withLock { if $0[key]?.session.id == session.id { $0[key] = nil } }
    }

    /// Takes all of them out.
    func removeAll() -> [(MCPSession, RenderedTool)] {
        entries.withLock { entries in
            defer { entries.removeAll() }
            return entries.values.map { ($0.session, $0.call) }
        }
    }
}
