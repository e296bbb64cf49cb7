import ActionModel
import JSONTree

/// Where two definitions of a trigger differ, as it may be shown: a secret that was changed is told, and not what it
/// is.
public struct TriggerDifference: Sendable {
    /// An RFC 6901 pointer into the definition.
    public let path: String
    /// What was there; nil for nothing.
    public let before: JSONValue?
    /// What is there; nil for nothing.
    public let after: JSONValue?

    /// All of them.
    public static func between(_ before: TriggerDefinition, _ after: TriggerDefinition) -> [TriggerDifference] {
        let shown = (before.document(.masked), after.document(.masked))
        return JSONDifference.between(before.document(.plain), after.document(.plain)).map { difference in
            let path = JSONPath(components: difference.path)
            return TriggerDifference(
                path: difference.pointer, before: difference.before.flatMap { _ in shown.0.value(at: path) },
                after: difference.after.flatMap { _ in shown.1.value(at: path) })
        }
    }

    /// Writes `{"path", "before", "after"}`.
    public func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("path", path)
            for (name, value) in [("before", before), ("after", after)] {
                if let value { $0.memberRaw(name, value.source) } else { $0.memberNull(name) }
            }
        }
    }
}

extension TriggerDefinition {
    /// The definition as JSON.
    func document(_ secrets: SecretMode) -> JSONValue {
        var writer = JSONWriter()
        writer.object { write(to: &$0, secrets: secrets) }
        guard let document = try? JSONDocument(writer.bytes) else {
            preconditionFailure("a definition is written as JSON that can be read")
        }
        return document.root
    }

    /// The definition as changed by a JSON merge patch (RFC 7396), secrets that are sent back masked kept.
    ///
    /// - Throws: everything that is wrong with what comes out.
    public func merging(_ patch: JSONValue) throws(JSONValidationError) -> TriggerDefinition {
        guard patch.kind == .object else { throw JSONValidationError(pointer: "", detail: "must be an object") }
        let merged: JSONDocument
        do throws(JSONError) {
            merged = try JSONDocument(document(.plain).merging(patch))
        } catch {
            throw JSONValidationError(pointer: "", detail: "together with what is stored it can't be read: \(error)")
        }
        return try TriggerDefinition(merged.root, secretsFrom: self)
    }
}
