import JSONTree

/// A JSON value with placeholders in its strings.
///
/// A string that is one placeholder becomes the value with its type; in any other string values are text. Either way
/// the writer does the escaping, so that whatever the event holds, the result is the JSON that was meant. Keys are
/// literal.
indirect enum JSONTemplate: Sendable {
    /// What becomes of strings, by the member that they are.
    struct Rules: Sendable {
        /// Whether a string that is one placeholder becomes the value with its type.
        var keepsTypes = true
        /// What is escaped in the values of an object's string, besides what JSON needs.
        var escaping: @Sendable (_ key: String, _ owner: JSONValue) -> Escaping = { _, _ in .none }
    }

    /// A part without placeholders, as written.
    case literal([UInt8])
    case value(Template.Placeholder)
    case text(Template, Escaping)
    case array([JSONTemplate])
    case object([(key: String, value: JSONTemplate)])

    /// Reads a value, collecting what is wrong with the placeholders in it.
    ///
    /// - Parameter escaping: of the value, when it is a string.
    init(
        _ value: JSONValue, pointer: String, rules: Rules = Rules(), escaping: Escaping = .none,
        problems: inout [JSONProblem]
    ) {
        switch value.kind {
        case .string:
            self = Self.string(value, pointer, rules, escaping, &problems)
        case .array:
            var elements: [JSONTemplate] = []
            for (index, element) in value.elements.enumerated() {
                let place = JSONPointer.element(index, of: pointer)
                elements.append(JSONTemplate(element, pointer: place, rules: rules, problems: &problems))
            }
            self = elements.allSatisfy(\.isLiteral) ? .literal(Array(value.source)) : .array(elements)
        case .object:
            var members: [(key: String, value: JSONTemplate)] = []
            for (key, member) in value.members {
                let place = JSONPointer.member(key, of: pointer)
                let template = JSONTemplate(
                    member, pointer: place, rules: rules, escaping: rules.escaping(key, value), problems: &problems)
                members.append((key, template))
            }
            self = members.allSatisfy(\.value.isLiteral) ? .literal(Array(value.source)) : .object(members)
        case .null, .boolean, .integer, .number:
            self = .literal(Array(value.source))
        }
    }

    /// Reads a value of at most 64 KiB.
    ///
    /// - Throws: everything that is wrong with it.
    static func read(
        _ value: JSONValue, pointer: String, rules: Rules = Rules()
    ) throws(JSONValidationError) -> JSONTemplate {
        guard value.source.count <= Template.maximumBytes else {
            throw JSONValidationError(pointer: pointer, detail: "a template has at most 64 KiB")
        }
        var problems: [JSONProblem] = []
        let template = JSONTemplate(value, pointer: pointer, rules: rules, problems: &problems)
        guard problems.isEmpty else { throw JSONValidationError(problems) }
        return template
    }

    private static func string(
        _ value: JSONValue, _ pointer: String, _ rules: Rules, _ escaping: Escaping, _ problems: inout [JSONProblem]
    ) -> JSONTemplate {
        do throws(JSONValidationError) {
            let template = try Template(value.string ?? "", pointer: pointer)
            if rules.keepsTypes, let placeholder = template.soleValue { return .value(placeholder) }
            return template.source.contains("{{") ? .text(template, escaping) : .literal(Array(value.source))
        } catch {
            problems += error.problems
            return .literal(Array(value.source))
        }
    }

    private var isLiteral: Bool {
        if case .literal = self { true } else { false }
    }

    /// Renders the value, and gives up when it grows beyond a bound, in bytes.
    func render(
        _ firing: Firing, limit: Int, of part: RenderingError.Part = .body
    ) throws(RenderingError) -> [UInt8] {
        var writer = JSONWriter()
        try write(firing, limit, part, to: &writer)
        return writer.bytes
    }

    private func write(
        _ firing: Firing, _ limit: Int, _ part: RenderingError.Part, to writer: inout JSONWriter
    ) throws(RenderingError) {
        do {
            switch self {
            case .literal(let bytes): writer.raw(bytes)
            case .value(let placeholder): try placeholder.value(in: firing).write(to: &writer)
            case .text(let template, let escaping):
                writer.string(try template.render(firing, escaping: escaping, limit: limit, of: part))
            case .array(let elements):
                try writer.array { for element in elements { try element.write(firing, limit, part, to: &$0) } }
            case .object(let members):
                try writer.object {
                    for (key, value) in members {
                        $0.key(key)
                        try value.write(firing, limit, part, to: &$0)
                    }
                }
            }
        } catch {
            // The writer's closures forget the type of what they throw.
            throw error as? RenderingError ?? .tooLarge(part, limit: limit)
        }
        guard writer.bytes.count <= limit else { throw .tooLarge(part, limit: limit) }
    }
}

extension JSONTemplate {
    /// Turns `{"amount": {{amount}}}` into `{"amount": "{{amount}}"}`: a placeholder that stands where JSON has a value
    /// means that value. No JSON has `{{` outside a string, so nothing else can be meant.
    static func quotingPlaceholders(in text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        var output: [UInt8] = []
        var isQuoted = false
        var offset = 0
        while offset < bytes.count {
            if !isQuoted, let tag = TemplateParser.tag(in: bytes, at: offset), let end = tag.end {
                var writer = JSONWriter()
                writer.string(String(decoding: bytes[offset..<end], as: UTF8.self))
                output += writer.bytes
                offset = end
                continue
            }
            let byte = bytes[offset]
            output.append(byte)
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if byte == UInt8(ascii: "\\"), isQuoted, offset + 1 < bytes.count {
                offset += 1
                output.append(bytes[offset])
            }
            offset += 1
        }
        return output
    }
}
