import EventModel
import JSONTree

/// Calls a tool of a Model Context Protocol server.
///
/// Server and tool are literal: an event fills in arguments, and chooses neither whom to ask nor for what.
public struct MCPAction: Sendable {
    static let timeouts: ClosedRange<Int64> = 1_000...600_000
    static let defaultTimeoutMilliseconds = 60_000
    static let maximumArgumentBytes = 256 * 1024
    /// Set by the transport.
    private static let reservedHeaders: Set<String> = [
        "accept", "content-type", "last-event-id", "mcp-protocol-version", "mcp-session-id",
    ]

    let url: RestURL
    /// The tool's name.
    public let tool: String
    let arguments: JSONTemplate?
    /// The arguments as written, for showing them again.
    let argumentsSource: [UInt8]?
    let headers: [RestHeader]
    /// How long one attempt may take as a whole, from the first request to the result.
    public let timeoutMilliseconds: Int
    let emitEventType: String?

    /// Scheme, host and port as written, in lower case: whom a stored secret belongs to.
    private var origin: String { url.origin }

    /// Scheme, host and port: what a circuit breaker stands for.
    public var endpoint: String { url.endpoint }

    /// Reads `{"server_url", "tool", "arguments"?, "headers"?, "timeout_ms"?, "emit_event_type"?}`.
    ///
    /// - Parameter stored: actions whose secret headers a mask may stand for, the likeliest first; they count only for
    ///   the same origin.
    init(_ value: JSONValue, pointer: String, secretsFrom stored: [MCPAction]) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let url = Self.readURL(&reader)
        let tool = Self.readTool(&reader)
        let arguments = Self.readArguments(&reader)
        self.arguments = arguments?.template
        argumentsSource = arguments?.source
        let kept = stored.filter { $0.origin == url?.origin }.flatMap(\.headers)
        headers = RestHeader.readAll(&reader, reserved: Self.reservedHeaders, kept: kept)
        let timeout = reader.integer("timeout_ms", in: Self.timeouts)
        timeoutMilliseconds = timeout.map { Int($0) } ?? Self.defaultTimeoutMilliseconds
        emitEventType = reader.derivedType("emit_event_type")
        try reader.finish()
        guard let url, let tool else { throw JSONValidationError(pointer: pointer, detail: "has no server or tool") }
        self.url = url
        self.tool = tool
    }

    func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.object {
            $0.member("server_url", url.template.source)
            $0.member("tool", tool)
            if let argumentsSource { $0.memberRaw("arguments", argumentsSource) }
            RestHeader.write(headers, to: &$0, secrets: secrets)
            $0.member("timeout_ms", timeoutMilliseconds)
            if let emitEventType { $0.member("emit_event_type", emitEventType) }
        }
    }

    /// The event that the result becomes; nil when it becomes none.
    ///
    /// - Throws: when it would derive from too many others, so that nobody need be asked.
    public func event(for firing: Firing) throws(EmitError) -> AnswerEvent? {
        guard let emitEventType else { return nil }
        return try AnswerEvent(type: emitEventType, for: firing)
    }
}

/// A call that is ready to be made.
public struct RenderedTool: Sendable {
    /// The server's endpoint.
    public let url: String
    /// The action's headers, free of line breaks.
    public let headers: [(String, String)]
    /// The tool's name.
    public let tool: String
    /// A JSON object.
    public let arguments: [UInt8]
    /// The trace that goes on with the server (W3C Trace Context); nil when the action sets the header itself.
    public let traceparent: String?
}

extension MCPAction {
    /// Renders the call for a firing.
    ///
    /// - Throws: when the event's values make arguments larger than 256 KiB, or a header larger than 8 KiB.
    public func call(for firing: Firing) throws(RenderingError) -> RenderedTool {
        var rendered: [(String, String)] = []
        for header in headers { rendered.append((header.name, try header.render(firing))) }
        let setsTrace = headers.contains { $0.name.lowercased() == "traceparent" }
        return RenderedTool(
            url: try url.render(firing), headers: rendered, tool: tool,
            arguments: try arguments?.render(firing, limit: Self.maximumArgumentBytes) ?? Array("{}".utf8),
            traceparent: setsTrace ? nil : firing.event.event.traceparent)
    }
}

// MARK: - Reading

extension MCPAction {
    private static func readURL(_ reader: inout ObjectReader) -> RestURL? {
        let place = reader.pointer(to: "server_url")
        guard let text = reader.string("server_url", required: true, length: 1...RestURL.maximumLength) else {
            return nil
        }
        let url = reader.attempt { () throws(JSONValidationError) -> RestURL in try RestURL(text, pointer: place) }
        if let url, !url.isLiteral { reader.refuse("server_url", "can't have placeholders: a server is fixed") }
        return url
    }

    private static func readTool(_ reader: inout ObjectReader) -> String? {
        guard let name = reader.string("tool", required: true, length: 1...128) else { return nil }
        guard name.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !name.contains("{{") else {
            reader.refuse("tool", "must be the name of a tool: printable ASCII, without placeholders")
            return nil
        }
        return name
    }

    private static func readArguments(_ reader: inout ObjectReader) -> (template: JSONTemplate, source: [UInt8])? {
        guard let value = reader.member("arguments") else { return nil }
        guard value.kind == .object else {
            reader.refuse("arguments", "must be an object")
            return nil
        }
        let place = reader.pointer(to: "arguments")
        let template = reader.attempt { () throws(JSONValidationError) -> JSONTemplate in
            try JSONTemplate.read(value, pointer: place)
        }
        return template.map { ($0, Array(value.source)) }
    }
}
