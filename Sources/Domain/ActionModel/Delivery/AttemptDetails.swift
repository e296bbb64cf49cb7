import JSONTree

/// What an attempt was, beside its outcome: for whoever looks into the log of attempts.
///
/// Whoever makes one has taken the secrets out.
public struct AttemptDetails: Sendable, Equatable {
    /// A header of the request or the answer.
    public struct Header: Sendable, Equatable {
        /// In lower case.
        public let name: String
        /// Cut at ``AttemptDetails/maximumValueBytes``.
        public let value: String

        /// Makes a header; a long value is cut.
        public init(_ name: String, _ value: String) {
            self.name = name.lowercased()
            self.value = value.kept(AttemptDetails.maximumValueBytes)
        }
    }

    /// Headers that are kept of a request, and of an answer.
    public static let maximumHeaders = 50
    /// Bytes of a header's value that are kept.
    public static let maximumValueBytes = 512

    /// How the endpoint was called.
    public var method: String?
    /// What was called.
    public var url: String?
    /// What the request said about itself.
    public var requestHeaders: [Header]
    /// What the answer said about itself.
    public var responseHeaders: [Header]
    /// The address that was connected to.
    public var address: String?
    /// Where the time went.
    public var timings: AttemptTimings?

    /// Details of an attempt; of one that sent nothing there are none.
    public init(
        method: String? = nil, url: String? = nil, requestHeaders: [Header] = [], responseHeaders: [Header] = [],
        address: String? = nil, timings: AttemptTimings? = nil
    ) {
        self.method = method
        self.url = url
        self.requestHeaders = Array(requestHeaders.prefix(Self.maximumHeaders))
        self.responseHeaders = Array(responseHeaders.prefix(Self.maximumHeaders))
        self.address = address
        self.timings = timings
    }

    /// Nothing is known.
    public static let none = AttemptDetails()

    /// The members `method`, `url`, `request_headers`, `response_headers`, `address`, `timings` as JSON; nil without
    /// any.
    public var json: [UInt8]? {
        guard self != .none else { return nil }
        var writer = JSONWriter()
        writer.object {
            $0.member("method", method)
            $0.member("url", url?.kept(4 * Self.maximumValueBytes))
            $0.key("request_headers")
            Self.write(requestHeaders, to: &$0)
            $0.key("response_headers")
            Self.write(responseHeaders, to: &$0)
            $0.member("address", address)
            $0.key("timings")
            if let timings { timings.write(to: &$0) } else { $0.null() }
        }
        return writer.bytes
    }

    /// A list of pairs, because a name may come twice.
    private static func write(_ headers: [Header], to writer: inout JSONWriter) {
        writer.array { list in
            for header in headers {
                list.object {
                    $0.member("name", header.name)
                    $0.member("value", header.value)
                }
            }
        }
    }
}

/// Where the time of an attempt went, in microseconds; what did not happen, because the connection was there already or
/// the attempt ended before, is nil.
public struct AttemptTimings: Sendable, Equatable {
    /// Looking the name up.
    public var dns: Int64?
    /// Connecting.
    public var connect: Int64?
    /// The TLS handshake.
    public var tls: Int64?
    /// From the request's first byte to the answer's.
    public var firstByte: Int64?
    /// All of it.
    public var total: Int64

    /// Makes timings.
    public init(dns: Int64? = nil, connect: Int64? = nil, tls: Int64? = nil, firstByte: Int64? = nil, total: Int64) {
        self.dns = dns
        self.connect = connect
        self.tls = tls
        self.firstByte = firstByte
        self.total = total
    }

    func write(to writer: inout JSONWriter) {
        writer.object { object in
            for (name, value) in [
                ("dns_us", dns), ("connect_us", connect), ("tls_us", tls), ("first_byte_us", firstByte),
                ("total_us", total),
            ] {
                if let value { object.member(name, value) } else { object.memberNull(name) }
            }
        }
    }
}

extension String {
    /// The text without NUL, which PostgreSQL does not store, and cut to so many bytes.
    func kept(_ limit: Int) -> String {
        if utf8.count <= limit, !utf8.contains(0) { return self }
        return String(decoding: utf8.prefix(limit).map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }
}
