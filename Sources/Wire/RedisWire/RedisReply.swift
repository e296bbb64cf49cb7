import CRedis

/// An answer of the server (RESP2).
public enum RedisReply: Sendable, Equatable {
    case null
    case integer(Int64)
    case bytes([UInt8])
    case status(String)
    case array([RedisReply])
    /// One command of a pipeline was refused; the others were not.
    case error(String)

    /// The bytes as text, also of a status.
    public var text: String? {
        switch self {
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        case .status(let text): text
        default: nil
        }
    }

    /// The number.
    public var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The elements.
    public var array: [RedisReply]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    init(_ reply: UnsafePointer<redisReply>) {
        let value = reply.pointee
        func bytes() -> [UInt8] {
            Array(UnsafeRawBufferPointer(start: value.str, count: Int(value.len)))
        }
        switch value.type {
        case REDIS_REPLY_INTEGER: self = .integer(value.integer)
        case REDIS_REPLY_STRING: self = .bytes(bytes())
        case REDIS_REPLY_STATUS: self = .status(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: bytes(), as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            self = .array((0..<value.elements).compactMap { collider_redis_element(reply, $0) }.map { RedisReply($0) })
        default: self = .null
        }
    }
}

/// What went wrong between us and Redis; holds no password.
public struct RedisError: Error, Sendable, CustomStringConvertible {
    /// Where the fault lies.
    public enum Kind: String, Sendable {
        /// No connection, or it broke; whether the command took effect is unknown.
        case connection
        /// The server refused the command.
        case server
        /// An answer of another shape than expected.
        case unexpectedReply
    }

    /// Where the fault lies.
    public let kind: Kind
    /// The server's or the library's words.
    public let message: String

    /// Makes an error.
    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// Whether the same call may succeed later: connection losses, and a server that is loading or failing over.
    public var isRetriable: Bool {
        kind == .connection || ["LOADING", "BUSY", "READONLY", "TRYAGAIN"].contains { message.hasPrefix($0) }
    }

    /// One line for the log.
    public var description: String { "redis \(kind.rawValue): \(message)" }
}
