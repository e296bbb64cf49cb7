import JSONTree

/// Renders the segments of a template, and gives up when that takes too long or gives too much.
///
/// Sections in sections multiply: what an event holds must decide neither how long a rendering takes nor how much
/// memory it needs.
struct TemplateRenderer {
    /// Tags that are looked at in one rendering, each as often as its sections repeat it.
    static let maximumSteps = 100_000

    private let firing: Firing
    private let escaping: Escaping
    private let limit: Int
    private let part: RenderingError.Part
    /// What the sections around stand at, the innermost last.
    private var items: [TemplateValue] = []
    private var steps = 0
    private(set) var output: [UInt8] = []

    init(_ firing: Firing, escaping: Escaping, limit: Int, part: RenderingError.Part) {
        self.firing = firing
        self.escaping = escaping
        self.limit = limit
        self.part = part
    }

    mutating func append(_ segments: [Template.Segment]) throws(RenderingError) {
        for segment in segments {
            steps += 1
            guard steps <= Self.maximumSteps else { throw .tooManySteps(part, limit: Self.maximumSteps) }
            switch segment {
            case .text(let bytes): output.append(contentsOf: bytes)
            case .value(let placeholder): try append(placeholder)
            case .section(let section): try append(section)
            }
            guard output.count <= limit else { throw .tooLarge(part, limit: limit) }
        }
    }

    private mutating func append(_ placeholder: Template.Placeholder) throws(RenderingError) {
        let value = try placeholder.value(in: firing, items: items)
        // Checked before it is escaped, which makes it up to six times as long.
        let text = value.text
        guard text.utf8.count <= limit else { throw .tooLarge(part, limit: limit) }
        (placeholder.isEscaped ? escaping : .none).append(text, to: &output)
    }

    private mutating func append(_ section: Template.Section) throws(RenderingError) {
        let value = section.path.value(in: firing, items: items)
        let isTrue = value?.isTrue ?? false
        guard isTrue != section.isInverted else { return }
        guard isTrue, let value else { return try append(section.body) }
        guard let list = value.json, list.kind == .array else { return try append(section.body, at: value) }
        for element in list.elements { try append(section.body, at: .parsed(element)) }
    }

    private mutating func append(_ body: [Template.Segment], at item: TemplateValue) throws(RenderingError) {
        items.append(item)
        try append(body)
        items.removeLast()
        // A body of nothing takes its time too.
        steps += 1
        guard steps <= Self.maximumSteps else { throw .tooManySteps(part, limit: Self.maximumSteps) }
    }
}

extension Template.Placeholder {
    /// The value, or what takes its place.
    ///
    /// - Throws: ``RenderingError/missing(_:)`` when there is neither.
    func value(in firing: Firing, items: [TemplateValue] = []) throws(RenderingError) -> TemplateValue {
        let value = path.value(in: firing, items: items)
        if let value, !(value.isNull && fallback != nil) { return value }
        guard let fallback else { throw .missing(path.name) }
        return .parsed(fallback)
    }
}
