import HTTPTypes
import Hummingbird

extension Request {
    /// Checks that the client takes one of the media types that a route answers with (RFC 9110 §12.5.1).
    ///
    /// - Throws: `not-acceptable` with the types that there are.
    func requireAccepting(_ types: [String]) throws {
        let fields = headers[values: .accept]
        guard !types.isEmpty, !fields.isEmpty else { return }
        let ranges = MediaRange.list(fields)
        guard !ranges.isEmpty, !types.contains(where: { MediaRange.accept($0, ranges) }) else { return }
        throw Problem(.notAcceptable, "the answer is \(types.joined(separator: " or ")), and Accept takes neither")
    }
}

/// One part of an `Accept`.
struct MediaRange {
    let type: Substring
    let subtype: Substring
    let isRefused: Bool

    /// The ranges of all fields; what can't be read is passed over.
    static func list(_ fields: [String]) -> [MediaRange] {
        fields.joined(separator: ",").lowercased().split(separator: ",").compactMap { MediaRange($0) }
    }

    private init?(_ text: Substring) {
        let pieces = text.split(separator: ";")
        let halves = (pieces.first ?? "").trimmingBlanks().split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2, !halves[0].isEmpty, !halves[1].isEmpty else { return nil }
        (type, subtype) = (halves[0], halves[1])
        isRefused = pieces.dropFirst().contains { piece in
            let weight = piece.trimmingBlanks()
            return weight.hasPrefix("q=") && Double(weight.dropFirst(2)) == 0
        }
    }

    /// Whether a media type is taken: the narrowest range that it is in decides.
    static func accept(_ media: String, _ ranges: [MediaRange]) -> Bool {
        let halves = media.split(separator: "/")
        guard halves.count == 2 else { return true }
        let found = ranges.compactMap { range -> (width: Int, isTaken: Bool)? in
            if range.type == "*" { return (2, !range.isRefused) }
            guard range.type == halves[0] else { return nil }
            if range.subtype == "*" { return (1, !range.isRefused) }
            return range.subtype == halves[1] ? (0, !range.isRefused) : nil
        }
        return found.min { $0.width < $1.width }?.isTaken ?? false
    }
}
