import EventModel
import Glibc
import JSONTree
import Logging

/// Writes each log line to standard error with one system call, so that lines of several threads never mix.
struct StandardErrorLogHandler: LogHandler {
    let label: String
    let service: String
    let format: LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(label: String, service: String, format: LogFormat, level: Logger.Level) {
        self.label = label
        self.service = service
        self.format = format
        self.logLevel = level
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let bytes = line(event, at: .now())
        bytes.withUnsafeBytes { buffer in
            // A log line that nobody can take is lost: there is nowhere left to report it.
            _ = write(STDERR_FILENO, buffer.baseAddress, buffer.count)
        }
    }

    /// The finished line with its newline.
    func line(_ event: LogEvent, at time: Timestamp) -> [UInt8] {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { _, new in new } }
        if let given = event.metadata { fields.merge(given) { _, new in new } }
        if let error = event.error { fields["error"] = "\(error)" }
        let sorted = fields.sorted { $0.key < $1.key }
        return switch format {
        case .text: text(event, time, sorted)
        case .json: json(event, time, sorted)
        }
    }

    private func text(
        _ event: LogEvent, _ time: Timestamp, _ fields: [(key: String, value: Logger.MetadataValue)]
    )
        -> [UInt8]
    {
        var line = "\(time) \(event.level.rawValue) \(label): \(escaped("\(event.message)"))"
        for (key, value) in fields {
            let text = "\(value)"
            let quoted = text.isEmpty || text.contains { $0 == " " || $0 == "\"" || $0 == "=" }
            line += " \(key)="
            line += quoted ? "\"\(escaped(text.replacing("\"", with: "\\\"")))\"" : escaped(text)
        }
        return Array((line + "\n").utf8)
    }

    /// Control characters would let a value of a request forge a line of its own.
    private func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result += scalar.value < 0x20 || scalar.value == 0x7F ? "\\u{\(scalar.value)}" : String(scalar)
            }
        }
    }

    private func json(
        _ event: LogEvent, _ time: Timestamp, _ fields: [(key: String, value: Logger.MetadataValue)]
    )
        -> [UInt8]
    {
        var writer = JSONWriter()
        writer.object { line in
            line.member("time", time.rfc3339)
            line.member("level", event.level.rawValue)
            line.member("service", service)
            line.member("logger", label)
            line.member("message", "\(event.message)")
            for (key, value) in fields { line.member(key, "\(value)") }
        }
        return writer.bytes + [UInt8(ascii: "\n")]
    }
}
