import EventModel
import HTTPTypes
import Hummingbird

extension Request {
    /// What the body is declared as; its name is empty when nothing is said.
    var declaredType: ContentType { ContentType(headers[.contentType] ?? "") }

    /// Checks that the body is declared as JSON, or as nothing.
    func requireJSON(suffixes: Bool = false) throws {
        let media = declaredType
        let isDialect = suffixes && media.name.hasPrefix("application/") && media.isJSON
        guard media.name.isEmpty || media.name == "application/json" || isDialect else {
            throw Problem.unsupported(media, "application/json")
        }
        try media.requireUTF8()
    }
}

extension ContentType {
    /// - Throws: `unsupported-media-type` for any charset but UTF-8, which RFC 8259 demands of JSON.
    func requireUTF8() throws {
        guard !isUTF8 else { return }
        throw Problem(.unsupportedMediaType, "the charset is \(charset ?? ""); JSON is UTF-8")
    }
}

extension Problem {
    /// A media type that a route does not take.
    ///
    /// Others are refused rather than tried, because an event in another format could be taken for something it is not.
    static func unsupported(_ media: ContentType, _ accepted: String) -> Problem {
        Problem(
            .unsupportedMediaType, "the body is declared as \(media.name); send \(accepted)",
            headers: [.accept: accepted])
    }
}
