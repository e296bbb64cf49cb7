import HTTPTypes
import Hummingbird

/// Entity tags (RFC 9110 §8.8.3): of a trigger its version, so that who changes one can say which version was seen.
enum EntityTag {
    private static let packedSuffix = "-gzip"

    static func version(_ number: Int32) -> String { "\"v\(number)\"" }

    /// The tag of the same answer packed, which are other bytes.
    static func packed(_ tag: String) -> String { tag.hasSuffix("\"") ? "\(tag.dropLast())\(packedSuffix)\"" : tag }

    /// The tags of a list, without quotes; weak ones only where they count.
    fileprivate static func list(_ fields: [String], weak: Bool) -> [Substring] {
        fields.joined(separator: ",").split(separator: ",").compactMap { part in
            var tag = part.trimmingBlanks()
            if tag.hasPrefix("W/") {
                guard weak else { return nil }
                tag = tag.dropFirst(2)
            }
            guard tag.count >= 2, tag.first == "\"", tag.last == "\"" else { return nil }
            tag = tag.dropFirst().dropLast()
            return tag.hasSuffix(packedSuffix) ? tag.dropLast(packedSuffix.count) : tag
        }
    }
}

extension Request {
    /// The versions that a change is meant for (`If-Match`); nil for any.
    ///
    /// - Parameter required: whether a change that doesn't say is refused.
    func expectedVersions(required: Bool) throws -> Set<Int32>? {
        let fields = headers[values: .ifMatch]
        guard !fields.isEmpty else {
            guard !required else {
                throw Problem(
                    .preconditionRequired, "say by If-Match which version is changed; ETag of the trigger names it")
            }
            return nil
        }
        if fields == ["*"] { return nil }
        return Set(
            EntityTag.list(fields, weak: false).compactMap { tag in tag.first == "v" ? Int32(tag.dropFirst()) : nil })
    }

    /// Whether the client has what has this tag (`If-None-Match`).
    func has(_ tag: String) -> Bool {
        let fields = headers[values: .ifNoneMatch]
        guard !fields.isEmpty else { return false }
        return fields == ["*"] || EntityTag.list(fields, weak: true).contains(tag.dropFirst().dropLast())
    }
}

extension Response {
    /// The same with its tag; without a body where the client has it already.
    func tagged(_ tag: String, for request: Request) -> Response {
        let isRead = request.method == .get || request.method == .head
        guard isRead else {
            var response = self
            response.headers[.eTag] = tag
            return response
        }
        var response = request.has(tag) ? Response(status: .notModified) : self
        response.headers[.eTag] = tag
        // It may be kept, and is asked for again each time.
        response.headers[.cacheControl] = "private, no-cache"
        return response
    }
}
