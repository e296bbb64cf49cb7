import JSONTree

/// A delivery as a line of a table.
struct DeliveryLine {
    static let head =
        "ID".padded(to: 38) + "STATUS".padded(to: 11) + "TYPE".padded(to: 10) + "ATTEMPT".padded(to: 9)
        + "MADE AT".padded(to: 26) + "LAST ERROR"
    private static let errorWidth = 60

    private let delivery: JSONValue

    init(_ delivery: JSONValue) {
        self.delivery = delivery
    }

    func text(_ style: TextStyle) -> String {
        let status = delivery["status"]?.string ?? ""
        let attempts = "\(delivery["attempt"]?.int64 ?? 0)/\(delivery["max_attempts"]?.int64 ?? 0)"
        // An error of a success is that of an attempt before.
        let error = status == "succeeded" ? "" : delivery["last_error"]?.string ?? ""
        let replay = delivery["replay_of"]?.string.map { "replay of \($0) " } ?? ""
        return (delivery["id"]?.string ?? "").padded(to: 38) + Self.paint(status, style)
            + (delivery["type"]?.string ?? "").padded(to: 10) + attempts.padded(to: 9)
            + (delivery["created_at"]?.string ?? "").padded(to: 26) + Self.oneLine(replay + error)
    }

    static func paint(_ status: String, _ style: TextStyle) -> String {
        let padded = status.padded(to: 11)
        return switch status {
        case "succeeded": style(padded, .added)
        case "dead": style(padded, .removed)
        case "scheduled", "running", "ready": style(padded, .changed)
        default: style(padded, .faint)
        }
    }

    private static func oneLine(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count > errorWidth ? line.prefix(errorWidth - 1) + "…" : line
    }
}

/// One delivery with its attempts as lines. Whatever the API says of an attempt is shown, in its order.
struct DeliveryText {
    let lines: [String]

    init(_ delivery: JSONValue, style: TextStyle) {
        var lines: [String] = []
        for (name, value) in delivery.members where name != "attempts" && !value.isNull {
            lines.append(name.padded(to: 18) + Self.text(value))
        }
        let attempts = delivery["attempts"]?.elements.map { $0 } ?? []
        if attempts.isEmpty { lines += ["", "No attempt has ended yet."] }
        for attempt in attempts {
            let title = "Attempt \(attempt["attempt"]?.int64 ?? 0)"
            let isTaken = attempt["status_code"]?.int64.map { (200..<300).contains($0) } ?? true
            let outcome = isTaken && attempt["error"]?.string == nil ? "arrived" : "failed"
            lines += ["", style("\(title), \(outcome)", .strong)]
            for (name, value) in attempt.members where name != "attempt" && !value.isNull {
                lines.append("  " + name.padded(to: 18) + Self.text(value))
            }
        }
        self.lines = lines
    }

    /// Texts of several lines stand under each other, and so do headers.
    private static func text(_ value: JSONValue) -> String {
        let headers = value.elements.compactMap { header in
            header["name"]?.string.map { "\($0): \(header["value"]?.string ?? "")" }
        }
        let text = headers.isEmpty ? value.string ?? value.description : headers.joined(separator: "\n")
        let indent = "\n" + String(repeating: " ", count: 20)
        return text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: indent)
    }
}
