import JSONTree

/// The buttons under a message: `{"inline_keyboard": [[{"text", "url"|"callback_data"|"copy_text"}]]}`.
///
/// Texts are put in as they are, because Telegram reads no markup there, and values in a `url` are percent-encoded.
struct InlineKeyboard: Sendable {
    static let maximumRows = 100
    static let maximumButtonsPerRow = 8
    static let maximumRenderedBytes = 16 * 1024

    /// As written.
    let source: [UInt8]
    private let template: JSONTemplate

    init(_ value: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: pointer)
        let rows = reader.array("inline_keyboard", required: true, count: 1...Self.maximumRows) ?? []
        for (row, place) in rows {
            guard row.kind == .array, (1...Self.maximumButtonsPerRow).contains(row.count) else {
                reader.refuse(
                    "inline_keyboard", "must be an array of rows of 1 to \(Self.maximumButtonsPerRow) buttons")
                continue
            }
            for (index, button) in row.elements.enumerated() {
                _ = reader.attempt { () throws(JSONValidationError) -> Void in
                    try Self.check(button, pointer: JSONPointer.element(index, of: place))
                }
            }
        }
        let template = reader.attempt { () throws(JSONValidationError) -> JSONTemplate in
            try JSONTemplate.read(value, pointer: pointer, rules: Self.rules)
        }
        try reader.finish()
        guard let template else { throw JSONValidationError(pointer: pointer, detail: "is no template") }
        source = Array(value.source)
        self.template = template
    }

    private static let rules = JSONTemplate.Rules(
        keepsTypes: false, escaping: { key, _ in key == "url" ? .url : .none })

    private static func check(_ button: JSONValue, pointer: String) throws(JSONValidationError) {
        var reader = ObjectReader(button, pointer: pointer)
        _ = reader.string("text", required: true, length: 1...1_024)
        let address = reader.string("url", length: 1...2_048)
        if let address, !["https://", "http://", "tg://"].contains(where: address.lowercased().hasPrefix) {
            reader.refuse("url", "must begin with https://, http:// or tg://")
        }
        _ = reader.string("callback_data", length: 1...1_024)
        if let copied = reader.member("copy_text") {
            let place = reader.pointer(to: "copy_text")
            _ = reader.attempt { () throws(JSONValidationError) -> Void in
                var inner = ObjectReader(copied, pointer: place)
                _ = inner.string("text", required: true, length: 1...1_024)
                try inner.finish()
            }
        }
        if ["url", "callback_data", "copy_text"].count(where: { reader.has($0) }) != 1, reader.isObject {
            reader.refuse("must have one of url, callback_data and copy_text")
        }
        try reader.finish()
    }

    func render(_ firing: Firing) throws(RenderingError) -> [UInt8] {
        try template.render(firing, limit: Self.maximumRenderedBytes, of: .markup)
    }
}
