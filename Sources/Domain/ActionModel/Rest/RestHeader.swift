import JSONTree

/// A header that an action adds to its request.
struct RestHeader: Sendable {
    static let maximumCount = 50
    static let maximumValueLength = 4096
    static let maximumRenderedLength = 8192

    let name: String
    let value: Template

    var isSecret: Bool { SecretMask.covers(header: name) }

    /// Headers that belong to the connection, to the client, or to the signature.
    private static let reserved: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te",
        "trailer", "transfer-encoding", "upgrade", "webhook-id", "webhook-signature", "webhook-timestamp",
    ]

    init(_ name: String, _ text: String, pointer: String) throws(JSONValidationError) {
        guard Self.isToken(name) else {
            throw JSONValidationError(pointer: pointer, detail: "is not the name of a header")
        }
        guard !Self.reserved.contains(name.lowercased()) else {
            throw JSONValidationError(pointer: pointer, detail: "can't be set: the request has its own")
        }
        guard text.utf8.count <= Self.maximumValueLength else {
            throw JSONValidationError(pointer: pointer, detail: "must have at most \(Self.maximumValueLength) bytes")
        }
        guard !text.utf8.contains(where: Escaping.isControl) else {
            throw JSONValidationError(pointer: pointer, detail: "can't hold line breaks or other control characters")
        }
        self.name = name
        value = try Template(text, pointer: pointer)
    }

    /// RFC 9110 §5.6.2, at most 128 characters.
    static func isToken(_ name: String) -> Bool {
        (1...128).contains(name.utf8.count)
            && name.utf8.allSatisfy { Escaping.isUnreserved($0) || "!#$%&'*+^`|".utf8.contains($0) }
    }

    /// The value for a firing; a line break that an event brings along becomes a space, and so no header of its own.
    func render(_ firing: Firing) throws(RenderingError) -> String {
        Escaping.singleLine(
            try value.render(firing, escaping: .none, limit: Self.maximumRenderedLength, of: .header))
    }
}
