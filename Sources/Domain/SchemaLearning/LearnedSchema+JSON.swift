import EventModel
import JSONTree

extension LearnedSchema {
    /// Writes the schema as the API shows it and as it is stored; fields in the order of their paths.
    public func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("event_type", eventType)
            $0.member("event_count", eventCount)
            $0.member("first_seen", firstSeen.rfc3339)
            $0.member("last_seen", lastSeen.rfc3339)
            $0.member("dropped_fields", droppedFields)
            $0.key("fields")
            $0.object { object in
                for (path, statistics) in fields.sorted(by: { $0.key < $1.key }) {
                    object.key(path)
                    statistics.write(to: &object)
                }
            }
        }
    }

    /// Reads what ``write(to:)`` wrote.
    public init(_ stored: JSONValue) throws(JSONValidationError) {
        let reader = StoredObject(value: stored, pointer: "")
        eventType = try reader.string("event_type")
        eventCount = try reader.count("event_count")
        firstSeen = try reader.time("first_seen")
        lastSeen = try reader.time("last_seen")
        droppedFields = try reader.count("dropped_fields")
        let place = JSONPointer.member("fields", of: "")
        for (path, value) in try reader.object("fields").members {
            fields[path] = try FieldStatistics(StoredObject(value: value, pointer: JSONPointer.member(path, of: place)))
        }
    }
}

extension FieldStatistics {
    func write(to writer: inout JSONWriter) {
        writer.object {
            $0.member("present", present)
            $0.key("types")
            $0.object { object in
                for kind in JSONValue.Kind.allCases {
                    if let count = types[kind] { object.member(kind.rawValue, count) }
                }
            }
            $0.key("examples")
            $0.array { for example in examples { $0.raw(example.utf8) } }
            $0.member("first_seen", firstSeen.rfc3339)
            $0.member("last_seen", lastSeen.rfc3339)
        }
    }

    init(_ reader: StoredObject) throws(JSONValidationError) {
        self.init(firstSeen: try reader.time("first_seen"))
        present = try reader.count("present")
        lastSeen = try reader.time("last_seen")
        let kinds = StoredObject(value: try reader.object("types"), pointer: reader.pointer(to: "types"))
        for (name, _) in kinds.value.members {
            guard let kind = JSONValue.Kind(rawValue: name) else { throw kinds.error(name, "is not a kind of value") }
            types[kind] = try kinds.count(name)
        }
        for example in try reader.array("examples").elements {
            addExample(String(decoding: example.source, as: UTF8.self))
        }
    }
}

/// Reads a stored object whose members must all be there: what we wrote ourselves.
struct StoredObject {
    let value: JSONValue
    let pointer: String

    func pointer(to name: String) -> String { JSONPointer.member(name, of: pointer) }

    func error(_ name: String, _ detail: String) -> JSONValidationError {
        JSONValidationError(pointer: pointer(to: name), detail: detail)
    }

    func string(_ name: String) throws(JSONValidationError) -> String {
        guard let text = value[name]?.string else { throw error(name, "must be a string") }
        return text
    }

    func count(_ name: String) throws(JSONValidationError) -> Int64 {
        guard let count = value[name]?.int64, count >= 0 else { throw error(name, "must be a count") }
        return count
    }

    func time(_ name: String) throws(JSONValidationError) -> Timestamp {
        guard let time = value[name]?.string.flatMap({ Timestamp(rfc3339: $0) }) else {
            throw error(name, "must be a time")
        }
        return time
    }

    func object(_ name: String) throws(JSONValidationError) -> JSONValue {
        guard let object = value[name], object.kind == .object else { throw error(name, "must be an object") }
        return object
    }
    func array(_ name: String) throws(JSONValidationError) -> JSONValue {
        guard let array = value[name], array.kind == .array else { throw error(name, "must be an array") }
        return array
    }
}
