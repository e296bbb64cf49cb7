import CCurl

/// Owner of one `curl_slist`, which must live as long as the transfer that was given it.
final class TextList {
    private(set) var pointer: UnsafeMutablePointer<curl_slist>?

    init(_ texts: [String]) throws(HTTPError) {
        for text in texts {
            // The list's new head: null when there was no memory, and the old one is still ours.
            guard let longer = curl_slist_append(pointer, text) else {
                throw HTTPError(.invalidRequest, "out of memory")
            }
            pointer = longer
        }
    }

    deinit {
        curl_slist_free_all(pointer)
    }
}

extension TextList {
    /// The header lines of a request, and those that keep libcurl from adding its own.
    convenience init(headersOf request: HTTPRequest) throws(HTTPError) {
        // No `Expect: 100-continue`, which costs a second with receivers that don't know it.
        var lines = ["Expect:"]
        var hasContentType = false
        for (name, value) in request.headers {
            guard Self.isName(name), !value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) else {
                throw HTTPError(.invalidRequest, "a header has an invalid name or value")
            }
            if name.lowercased() == "content-type" { hasContentType = true }
            // A colon and nothing means "leave it out"; a semicolon means "send it empty".
            lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        if !hasContentType { lines.append("Content-Type:") }
        try self.init(lines)
    }

    /// RFC 9110 §5.6.2.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
