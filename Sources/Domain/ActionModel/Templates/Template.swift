import JSONTree

/// A text with placeholders: `{{path}}`, escaped for where it lands, and `{{{path}}}` or `{{&path}}`, as it is.
///
/// The part of Mustache that has no logic: sections, partials and other delimiters are refused, comments `{{! … }}` are
/// taken. A value that is missing or `null` is nothing. Bounds: 64 KiB and 200 placeholders.
public struct Template: Sendable, Equatable {
    enum Segment: Sendable, Equatable {
        case text([UInt8])
        case value(TemplatePath, isEscaped: Bool)
    }

    static let maximumBytes = 64 * 1024
    static let maximumPlaceholders = 200

    /// The text as written.
    public let source: String
    let segments: [Segment]

    /// Parses a text.
    ///
    /// - Parameter pointer: where the text is, for the error.
    public init(_ text: String, pointer: String) throws(JSONValidationError) {
        source = text
        var parser = TemplateParser(text)
        do throws(JSONValidationError) {
            segments = try parser.parse()
        } catch {
            throw JSONValidationError(error.problems.map { JSONProblem(pointer: pointer, detail: $0.detail) })
        }
    }

    /// The path when the text is one placeholder and nothing else.
    var soleValue: TemplatePath? {
        guard segments.count == 1, case .value(let path, _) = segments[0] else { return nil }
        return path
    }

    /// Renders the text for a firing.
    ///
    /// - Parameters:
    ///   - escaping: where the text is going.
    ///   - valueLimit: values longer than this many UTF-16 units are cut to it and end in "…"; the text around them
    ///   stays.
    public func render(_ firing: Firing, escaping: Escaping, valueLimit: Int = .max) -> String {
        var output: [UInt8] = []
        for segment in segments {
            append(segment, firing, escaping, valueLimit, to: &output)
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Renders the text, and gives up when it grows beyond a bound, in bytes.
    func render(
        _ firing: Firing, escaping: Escaping, limit: Int, of part: RenderingError.Part
    ) throws(RenderingError) -> String {
        var output: [UInt8] = []
        for segment in segments {
            append(segment, firing, escaping, .max, to: &output)
            guard output.count <= limit else { throw RenderingError(part: part, limit: limit) }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private func append(
        _ segment: Segment, _ firing: Firing, _ escaping: Escaping, _ valueLimit: Int, to output: inout [UInt8]
    ) {
        switch segment {
        case .text(let bytes):
            output.append(contentsOf: bytes)
        case .value(let path, let isEscaped):
            var text = path.text(in: firing)
            // There are at most as many UTF-16 units as bytes, and counting bytes is free.
            if text.utf8.count > valueLimit { text = text.cut(toUTF16: valueLimit) }
            (isEscaped ? escaping : .none).append(text, to: &output)
        }
    }
}

extension String {
    /// The text, or as many of its characters as leave room for a final "…", so that it has at most so many UTF-16
    /// units.
    func cut(toUTF16 limit: Int) -> String {
        guard utf16.count > limit else { return self }
        var left = limit - 1
        let kept = prefix { character in
            left -= character.utf16.count
            return left >= 0
        }
        return kept + "…"
    }
}
