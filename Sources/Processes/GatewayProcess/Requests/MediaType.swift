import HTTPTypes
import Hummingbird

/// What a body is declared as: the `Content-Type` without its parameters, in lower case; empty when there is none.
struct MediaType {
    let name: String
    /// As it was sent.
    let text: String

    /// Reads the header.
    ///
    /// - Throws: `unsupported-media-type` for any charset but UTF-8.
    init(_ request: Request) throws {
        text = request.headers[.contentType] ?? ""
        let parts = text.split(separator: ";").map { $0.trimmingPrefix { $0 == " " } }
        name = (parts.first ?? "").lowercased().replacing(" ", with: "")
        let charset = parts.dropFirst().first { $0.lowercased().hasPrefix("charset=") }?.dropFirst("charset=".count)
        guard let charset, charset.lowercased().replacing("\"", with: "") != "utf-8" else { return }
        throw Problem(.unsupportedMediaType, "the charset is \(charset); events are UTF-8")
    }

    /// Whether it is a kind of JSON under another name, such as `application/vnd.shop+json`.
    var isJSONDialect: Bool { name.hasPrefix("application/") && name.hasSuffix("+json") }
    var isJSON: Bool { name == "application/json" || isJSONDialect }
    var isText: Bool { name.hasPrefix("text/") || name == "application/xml" || name.hasSuffix("+xml") }
}

extension Problem {
    /// A media type that a route does not take.
    ///
    /// Others are refused rather than tried, because an event in another format could be taken for something it is not.
    static func unsupported(_ media: MediaType, _ accepted: String) -> Problem {
        Problem(
            .unsupportedMediaType, "the body is declared as \(media.name); send \(accepted)",
            headers: [.accept: accepted])
    }
}
