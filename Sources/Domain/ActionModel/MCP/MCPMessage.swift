import EventModel
import JSONTree

/// The messages of the Model Context Protocol that a caller of tools needs: JSON-RPC 2.0, as revision 2025-11-25 has
/// them and 2025-06-18 and 2025-03-26 had.
public enum MCPMessage {
    /// The revisions that are understood, the preferred first.
    public static let revisions = ["2025-11-25", "2025-06-18", "2025-03-26"]

    /// Asks for a session.
    public static func initialize(id: Int, clientVersion: String) -> [UInt8] {
        request(id: id, "initialize") {
            $0.member("protocolVersion", revisions[0])
            $0.key("capabilities")
            $0.object { _ in }
            $0.key("clientInfo")
            $0.object {
                $0.member("name", "collider")
                $0.member("version", clientVersion)
            }
        }
    }

    /// Says that the session has begun.
    public static let initialized = Array(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.utf8)

    /// Asks for a page of the server's tools.
    public static func listTools(id: Int, cursor: String?) -> [UInt8] {
        request(id: id, "tools/list") {
            if let cursor { $0.member("cursor", cursor) }
        }
    }

    /// Calls a tool.
    ///
    /// - Parameter deliveryID: the same for every attempt, by which a server can know a repeat.
    public static func call(id: Int, _ call: RenderedTool, deliveryID: String) -> [UInt8] {
        request(id: id, "tools/call") {
            $0.member("name", call.tool)
            $0.memberRaw("arguments", call.arguments)
            $0.key("_meta")
            $0.object { $0.member("collider/delivery-id", deliveryID) }
        }
    }

    /// The answer to a request of the server's: to a ping that we are here, to all else that we can't.
    public static func reply(to request: MCPServerRequest) -> [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("jsonrpc", "2.0")
            $0.memberRaw("id", request.id)
            if request.method == "ping" {
                $0.key("result")
                $0.object { _ in }
            } else {
                $0.key("error")
                $0.object {
                    $0.member("code", -32601)
                    $0.member("message", "Method not found")
                }
            }
        }
        return writer.bytes
    }

    private static func request(id: Int, _ method: String, _ parameters: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object {
            $0.member("jsonrpc", "2.0")
            $0.member("id", id)
            $0.member("method", method)
            $0.key("params")
            $0.object(parameters)
        }
        return writer.bytes
    }
}

/// A request that a server makes of us while it answers.
public struct MCPServerRequest: Sendable, Equatable {
    /// As written: a string or a number.
    let id: [UInt8]
    let method: String
}

/// What a server says to a request.
public enum MCPReply: Sendable, Equatable {
    /// The result, an object.
    case result(JSONValue)
    /// An error of the protocol, with JSON-RPC's code.
    case error(code: Int64, message: String)

    /// Whether asking again would give the same: the request was not understood, or not accepted.
    public static func isPermanent(_ code: Int64) -> Bool { (-32602 ... -32600).contains(code) || code == -32700 }
}

/// Reads what answers a request, JSON or a stream of events, piece by piece as it comes, up to the reply.
public struct MCPStream: Sendable {
    /// Most bytes of an answer.
    public static let maximumBytes = 4 * 1024 * 1024
    /// Most requests of the server's that are heard.
    public static let maximumRequests = 16

    private enum Form { case unknown, events, whole }

    private let id: Int
    private var form = Form.unknown
    private var events = ServerSentEvents()
    private var whole: [UInt8] = []
    private var byteCount = 0
    /// Whether more has come than is read.
    public private(set) var isTooLarge = false
    /// The reply, once it has come.
    public private(set) var reply: MCPReply?
    /// What the server asks of us.
    public private(set) var requests: [MCPServerRequest] = []

    /// Waits for the reply to the request of an id.
    public init(id: Int) {
        self.id = id
    }

    /// The last event's id, by which a stream that broke off is resumed.
    public var lastEventID: String? { events.lastID }

    /// How long the server asks to wait before that, in milliseconds.
    public var retryMilliseconds: Int? { events.retryMilliseconds }

    /// Takes a piece.
    ///
    /// - Returns: whether more is wanted.
    public mutating func take(_ piece: [UInt8]) -> Bool {
        byteCount += piece.count
        guard byteCount <= Self.maximumBytes else {
            isTooLarge = true
            return false
        }
        if form == .unknown, let first = piece.first(where: { !" \t\r\n".utf8.contains($0) }) {
            // No line of a stream of events begins like a JSON object.
            form = first == UInt8(ascii: "{") ? .whole : .events
        }
        if form == .whole {
            whole += piece
        } else {
            for event in events.take(piece) where reply == nil { receive(Array(event.data.utf8)) }
        }
        return reply == nil
    }

    /// Nothing more comes.
    public mutating func finish() {
        if form == .whole, reply == nil { receive(whole) }
    }

    /// The connection of a stream was lost or closed; the next piece is of another.
    public mutating func reconnected() {
        let lastID = events.lastID
        events = ServerSentEvents(after: lastID)
    }

    private mutating func receive(_ bytes: [UInt8]) {
        // Empty data prime a stream; what is no message has no meaning.
        guard let message = try? JSONDocument(bytes).root, message.kind == .object else { return }
        if let method = message["method"]?.string {
            if let id = message["id"], !id.isNull, requests.count < Self.maximumRequests {
                requests.append(MCPServerRequest(id: Array(id.source), method: method))
            }
            return
        }
        guard message["id"]?.int64 == Int64(id) else { return }
        if let error = message["error"], error.kind == .object {
            let words = error["message"]?.string ?? "no message"
            reply = .error(code: error["code"]?.int64 ?? 0, message: words.kept(500))
        } else if let result = message["result"], result.kind == .object {
            reply = .result(result)
        }
    }
}
