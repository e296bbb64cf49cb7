import JSONTree

/// A text with placeholders, in the language of Mustache (docs/actions.md).
///
/// `{{path}}` is a value, escaped for where it lands, `{{{path}}}` and `{{&path}}` the value as it is, and
/// `{{path | default: "x"}}` a value with one to take its place. `{{#path}}…{{/path}}` stands for each element of a
/// list, or once where the value is not `false`; `{{^path}}…{{/path}}` where it is `false`, `null`, empty or missing;
/// within, `{{.}}` is the element. Comments `{{! … }}` are dropped; partials and other delimiters are refused.
///
/// Bounds: 64 KiB, 200 tags, sections 16 deep; what comes of it, the caller bounds.
public struct Template: Sendable, Equatable {
    enum Segment: Sendable, Equatable {
        case text([UInt8])
        case value(Placeholder)
        case section(Section)
    }

    /// Where a value is put in.
    struct Placeholder: Sendable, Equatable {
        let path: TemplatePath
        let isEscaped: Bool
        /// What is put in when the value is missing or `null`: a string, number, boolean or `null`.
        let fallback: JSONValue?
    }

    /// What stands as often as its value says.
    struct Section: Sendable, Equatable {
        let path: TemplatePath
        let isInverted: Bool
        let body: [Segment]
    }

    static let maximumBytes = 64 * 1024
    static let maximumTags = 200
    static let maximumDepth = 16

    /// The text as written.
    public let source: String
    let segments: [Segment]

    /// Parses a text.
    ///
    /// - Parameter pointer: where the text is, for the error, which says the column too.
    public init(_ text: String, pointer: String) throws(JSONValidationError) {
        source = text
        var parser = TemplateParser(text)
        do throws(JSONValidationError) {
            segments = try parser.parse()
        } catch {
            throw JSONValidationError(error.problems.map { JSONProblem(pointer: pointer, detail: $0.detail) })
        }
    }

    /// The placeholder when the text is one and nothing else.
    var soleValue: Placeholder? {
        guard segments.count == 1, case .value(let placeholder) = segments[0] else { return nil }
        return placeholder
    }

    /// What stands between the placeholders.
    var literal: [UInt8] { Self.literal(of: segments) }

    private static func literal(of segments: [Segment]) -> [UInt8] {
        segments.flatMap { segment -> [UInt8] in
            switch segment {
            case .text(let bytes): bytes
            case .value: []
            case .section(let section): literal(of: section.body)
            }
        }
    }

    /// Renders the text for a firing.
    ///
    /// - Parameters:
    ///   - escaping: where the text is going.
    ///   - limit: how many bytes it may have.
    ///   - part: what it is part of, for the error.
    /// - Throws: ``RenderingError`` when it grows beyond its bound, or a value is missing that has no default.
    public func render(
        _ firing: Firing, escaping: Escaping, limit: Int, of part: RenderingError.Part
    ) throws(RenderingError) -> String {
        var renderer = TemplateRenderer(firing, escaping: escaping, limit: limit, part: part)
        try renderer.append(segments)
        return String(decoding: renderer.output, as: UTF8.self)
    }
}
