/// Writes metric families in the text exposition format 0.0.4.
///
/// Source: prometheus.io, "Exposition formats".
struct PrometheusText {
    private(set) var text = ""

    mutating func append(_ family: MetricFamily) {
        header(family.name, family.help, family.kind)
        for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
            switch series.value {
            case .integer(let value): text += "\(family.name)\(labels) \(value)\n"
            case .double(let value): text += "\(family.name)\(labels) \(number(value))\n"
            case .histogram(let bounds, let counts, let sum):
                histogram(family.name, labels, bounds: bounds, counts: counts, sum: sum)
            }
        }
    }

    mutating func appendCounter(_ name: String, _ help: String, _ value: Int) {
        header(name, help, .counter)
        text += "\(name) \(value)\n"
    }

    private mutating func header(_ name: String, _ help: String, _ kind: MetricFamily.Kind) {
        let help = help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func histogram(
        _ name: String, _ labels: String, bounds: [Double], counts: [UInt64], sum: Double
    ) {
        let opened = labels.isEmpty ? "{" : labels.dropLast() + ","
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? number(bounds[index]) : "+Inf"
            text += "\(name)_bucket\(opened)le=\"\(bound)\"} \(total)\n"
        }
        text += "\(name)_sum\(labels) \(number(sum))\n\(name)_count\(labels) \(total)\n"
    }

    private func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return "\(value)"
    }
}

/// Names and labels as Prometheus wants them.
enum PrometheusName {
    /// `gateway.http-requests` as `gateway_http_requests`, with the suffix unless it is there.
    static func metric(_ label: String, suffix: String = "") -> String {
        let name = sanitized(label, alsoAllowing: ":")
        return name.hasSuffix(suffix) ? name : name + suffix
    }

    /// `{a="x",b="y"}` in the order of names, or nothing.
    static func labels(_ dimensions: [(String, String)]) -> String {
        guard !dimensions.isEmpty else { return "" }
        let parts = dimensions.sorted { $0.0 < $1.0 }.map { name, value in
            let value = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(sanitized(name))=\"\(value)\""
        }
        return "{\(parts.joined(separator: ","))}"
    }

    private static func sanitized(_ text: String, alsoAllowing extra: Character? = nil) -> String {
        let mapped = text.map { character in
            character.isASCII && (character.isLetter || character.isNumber || character == extra) ? character : "_"
        }
        guard let first = mapped.first, !first.isNumber else { return "_" + String(mapped) }
        return String(mapped)
    }
}
