/// Reads a stream of server-sent events (HTML Living Standard §9.2.6), in pieces as they come.
struct ServerSentEvents {
    /// One event.
    struct Event: Equatable {
        /// `message` when the stream names no other.
        var name = "message"
        var data = ""
    }

    /// The last id that the stream gave, with an event or alone.
    private(set) var lastID: String?

    private var line: [UInt8] = []
    private var isAfterReturn = false
    private var name = ""
    private var data: [String] = []
    private var nextID: String?

    /// Takes a piece and gives the events that are complete with it.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\n") where isAfterReturn:
                isAfterReturn = false
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                isAfterReturn = byte == UInt8(ascii: "\r")
                if let event = endLine() { events.append(event) }
            default:
                isAfterReturn = false
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() -> Event? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return dispatch() }
        let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count == 2 ? parts[1] : []
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: parts[0], as: UTF8.self) {
        case "event": name = text
        case "data": data.append(text)
        case "id": if !value.contains(0) { nextID = text }
        // Among them comments, whose name is empty, and `retry`.
        default: break
        }
        return nil
    }

    private mutating func dispatch() -> Event? {
        defer {
            name = ""
            data = []
        }
        lastID = nextID
        guard !data.isEmpty else { return nil }
        return Event(name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"))
    }
}
