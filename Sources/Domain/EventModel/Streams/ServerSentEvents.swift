/// Reads a stream of server-sent events (HTML Living Standard §9.2.6), in pieces as they come.
public struct ServerSentEvents: Sendable {
    /// One event.
    public struct Event: Sendable, Equatable {
        /// `message` when the stream names no other.
        public var name = "message"
        /// Its lines, joined.
        public var data = ""

        /// Makes an event.
        public init(name: String = "message", data: String = "") {
            self.name = name
            self.data = data
        }
    }

    /// The last id that the stream gave, with an event or alone.
    public private(set) var lastID: String?

    /// How long the stream asks to wait before it is opened again.
    public private(set) var retryMilliseconds: Int?

    private var line: [UInt8] = []
    private var isAfterReturn = false
    private var name = ""
    private var data: [String] = []
    private var nextID: String?

    /// Makes a reader at the beginning of a stream, or of one that goes on after an id.
    public init(after lastID: String? = nil) {
        self.lastID = lastID
        nextID = lastID
    }

    /// Takes a piece and gives the events that are complete with it.
    public mutating func take(_ bytes: some Sequence<UInt8>) -> [Event] {
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
        case "retry": retryMilliseconds = Int(text) ?? retryMilliseconds
        // Among them comments, whose name is empty.
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
