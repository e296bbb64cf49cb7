extension JSONValue {
    /// The value as changed by a JSON merge patch (RFC 7396), as text: members of the patch that are `null` are taken
    /// out, objects are merged, and everything else takes the place of what was there.
    public func merging(_ patch: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        Self.write(self, patchedBy: patch, to: &writer)
        return writer.bytes
    }

    private static func write(_ target: JSONValue?, patchedBy patch: JSONValue, to writer: inout JSONWriter) {
        guard patch.kind == .object else { return writer.value(patch) }
        writer.object { writer in
            for (key, value) in target?.members.map({ $0 }) ?? [] {
                let change = patch[key]
                guard change?.isNull != true else { continue }
                writer.key(key)
                if let change { write(value, patchedBy: change, to: &writer) } else { writer.value(value) }
            }
            for (key, value) in patch.members where !value.isNull && target?[key] == nil {
                writer.key(key)
                write(nil, patchedBy: value, to: &writer)
            }
        }
    }
}
