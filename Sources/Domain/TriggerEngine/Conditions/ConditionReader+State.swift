import ActionModel
import EventModel
import JSONTree

extension ConditionReader {
    /// Reads a leaf that remembers.
    mutating func readStateful(_ value: JSONValue, pointer: String, depth: Int) -> TriggerCondition? {
        let name = value["aggregate"] != nil ? "aggregate" : value["sequence"] != nil ? "sequence" : "absence"
        guard allowsState else {
            refuse(
                JSONPointer.member(name, of: pointer),
                "needs earlier events, and this condition looks at one event alone")
            return nil
        }
        states += 1
        guard states <= Self.maximumStates else {
            if states == Self.maximumStates + 1 {
                refuse(pointer, "a condition remembers at most \(Self.maximumStates) things")
            }
            return nil
        }
        switch name {
        case "aggregate": return readAggregate(value, pointer: pointer)
        case "sequence": return readSequence(value, pointer: pointer)
        default:
            guard depth == 1 else {
                refuse(JSONPointer.member(name, of: pointer), "absence can only be the whole condition")
                return nil
            }
            return readAbsence(value, pointer: pointer)
        }
    }

    private mutating func readAggregate(_ value: JSONValue, pointer: String) -> TriggerCondition? {
        var reader = ObjectReader(value, pointer: pointer)
        let functionName = reader.string("aggregate", required: true)
        let function = functionName.flatMap { Aggregate.Function(rawValue: $0) }
        if functionName != nil, function == nil {
            let names = Aggregate.Function.allCases.map(\.rawValue).joined(separator: ", ")
            reader.refuse("aggregate", "must be one of \(names)")
        }
        let field = reader.has("field") ? readField(&reader, or: nil) : nil
        _ = reader.member("field", required: function.map { $0 != .count } ?? false)
        let window = readWindow(&reader, of: function)
        let groupBy = readPaths("group_by", &reader)
        let filter = readFilter("where", &reader)
        let test = readTest(&reader, standard: nil)
        let resets = reader.bool("reset_on_fire") ?? false
        guard finish(&reader), let function, let window, let test else { return nil }
        return .aggregate(
            Aggregate(
                function: function, field: field, window: window, groupBy: groupBy,
                filter: filter?.condition, resetsOnFire: resets, test: test,
                identity: StateIdentity.of(function, field, window, groupBy, filter.map { [$0.identity] } ?? [])))
    }

    private mutating func readSequence(_ value: JSONValue, pointer: String) -> TriggerCondition? {
        var reader = ObjectReader(value, pointer: pointer)
        let list = reader.array("sequence", required: true, count: EventSequence.count) ?? []
        let steps = list.compactMap { readPart($0.element, pointer: $0.pointer) }
        let within = readSpan("within", &reader)
        let groupBy = readPaths("group_by", &reader)
        guard finish(&reader), let within, steps.count == list.count, !steps.isEmpty else { return nil }
        return .sequence(
            EventSequence(
                steps: steps.map(\.condition), within: within, groupBy: groupBy,
                identity: StateIdentity.of("sequence", within, groupBy, steps.map(\.identity))))
    }

    private mutating func readAbsence(_ value: JSONValue, pointer: String) -> TriggerCondition? {
        var outer = ObjectReader(value, pointer: pointer)
        guard let inner = outer.member("absence", required: true), finish(&outer) else { return nil }
        var reader = ObjectReader(inner, pointer: outer.pointer(to: "absence"))
        let after = readFilter("after", &reader, required: true)
        let expect = readFilter("expect", &reader, required: true)
        let within = readSpan("within", &reader)
        let groupBy = readPaths("group_by", &reader)
        guard finish(&reader), let after, let expect, let within else { return nil }
        return .absence(
            Absence(
                after: after.condition, expect: expect.condition, within: within, groupBy: groupBy,
                identity: StateIdentity.of("absence", within, groupBy, [after.identity, expect.identity])))
    }

    // MARK: - Members

    /// A condition without state, and what tells it from others.
    typealias Part = (condition: Condition, identity: [UInt8])

    private mutating func readFilter(_ name: String, _ reader: inout ObjectReader, required: Bool = false) -> Part? {
        reader.member(name, required: required).flatMap { readPart($0, pointer: reader.pointer(to: name)) }
    }

    private mutating func readPart(_ value: JSONValue, pointer: String) -> Part? {
        let couldHaveState = allowsState
        allowsState = false
        defer { allowsState = couldHaveState }
        return read(value, pointer: pointer, depth: 2)?.stateless.map { ($0, StateIdentity.canonical(value)) }
    }

    private func readWindow(_ reader: inout ObjectReader, of function: Aggregate.Function?) -> Aggregate.Window? {
        guard let member = reader.member("window", required: true) else { return nil }
        if let text = member.string, function != .ema {
            guard let span = TimeSpan(text), Aggregate.spans.contains(span) else {
                let bounds = "\(Aggregate.spans.lowerBound) to \(Aggregate.spans.upperBound)"
                reader.refuse("window", "must be a duration from \(bounds), like \"5m\", or {\"events\": n}")
                return nil
            }
            return .time(span.microseconds)
        }
        let range = 1...Aggregate.maximumEvents
        guard member.kind == .object, member.count == 1, let events = member["events"]?.int64, range.contains(events)
        else {
            let hint = "{\"events\": n} with n from 1 to \(Aggregate.maximumEvents)"
            reader.refuse("window", function == .ema ? "of ema is \(hint)" : "must be a duration, or \(hint)")
            return nil
        }
        return function == .ema ? .weight(2 / (Double(events) + 1)) : .events(events)
    }

    private func readPaths(_ name: String, _ reader: inout ObjectReader) -> [FieldPath] {
        FieldPath.list(name, &reader)
    }

    func readSpan(_ name: String, _ reader: inout ObjectReader) -> Int64? {
        guard let text = reader.string(name, required: true) else { return nil }
        guard let span = TimeSpan(text), Aggregate.spans.contains(span) else {
            let bounds = "\(Aggregate.spans.lowerBound) to \(Aggregate.spans.upperBound)"
            reader.refuse(name, "must be a duration from \(bounds), like \"10m\"")
            return nil
        }
        return span.microseconds
    }

    /// Reads `operator` and `value`, which may be a string that is a number where `takesText`.
    func readTest(_ reader: inout ObjectReader, standard: Operator?, takesText: Bool = false) -> NumberTest? {
        let name = readOperator(&reader, or: standard)
        guard let value = reader.member("value", required: true), let name else { return nil }
        guard NumberTest.operators.contains(name) else {
            let names = NumberTest.operators.map(\.rawValue).joined(separator: ", ")
            reader.refuse("operator", "must be one of \(names), because it compares a number")
            return nil
        }
        let number = { (one: JSONValue) in takesText && one.kind == .string ? Self.number(in: one) : one.number }
        let bounds = name == .between && value.kind == .array ? Array(value.elements) : [value]
        let numbers = bounds.compactMap(number)
        guard numbers.count == bounds.count, numbers.count == (name == .between ? 2 : 1),
            numbers[0] <= numbers[numbers.count - 1]
        else {
            reader.refuse("value", name == .between ? "must be two numbers, the low one first" : "must be a number")
            return nil
        }
        return NumberTest(name: name, low: numbers[0], high: numbers[numbers.count - 1], source: Array(value.source))
    }
}

extension FieldPath {
    /// Reads a list of paths; empty without one.
    static func list(_ name: String, _ reader: inout ObjectReader) -> [FieldPath] {
        let elements = reader.array(name, count: 0...Aggregate.maximumPaths) ?? []
        return elements.compactMap { element, place in
            reader.attempt { () throws(JSONValidationError) -> FieldPath in
                guard let text = element.string else {
                    throw JSONValidationError(pointer: place, detail: "must be a string")
                }
                do throws(JSONValidationError) {
                    return try FieldPath(text)
                } catch {
                    throw JSONValidationError(pointer: place, detail: error.problems[0].detail)
                }
            }
        }
    }
}

/// What tells one state from another, as text: all that it depends on, and nothing of what it is held against.
enum StateIdentity {
    static func of(
        _ function: Aggregate.Function, _ field: FieldPath?, _ window: Aggregate.Window, _ groupBy: [FieldPath],
        _ filters: [[UInt8]]
    ) -> [UInt8] {
        let span =
            switch window {
            case .time(let span): "time \(span)"
            case .events(let count): "events \(count)"
            case .weight(let weight): "weight \(weight.bitPattern)"
            }
        return joined([function.rawValue, field?.description ?? "", span], groupBy, filters)
    }

    static func of(_ kind: String, _ within: Int64, _ groupBy: [FieldPath], _ parts: [[UInt8]]) -> [UInt8] {
        joined([kind, "\(within)"], groupBy, parts)
    }

    private static func joined(_ texts: [String], _ groupBy: [FieldPath], _ parts: [[UInt8]]) -> [UInt8] {
        var writer = JSONWriter()
        writer.array { list in
            for text in texts { list.string(text) }
            list.array { for path in groupBy { $0.string(path.description) } }
            for part in parts { list.raw(part) }
        }
        return writer.bytes
    }

    /// A JSON value with its members in order and without white space.
    static func canonical(_ value: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        write(value, to: &writer)
        return writer.bytes
    }

    private static func write(_ value: JSONValue, to writer: inout JSONWriter) {
        switch value.kind {
        case .object:
            writer.object { object in
                for (key, member) in value.members.sorted(by: { $0.key < $1.key }) {
                    object.key(key)
                    write(member, to: &object)
                }
            }
        case .array: writer.array { list in for element in value.elements { write(element, to: &list) } }
        case .string: writer.string(value.string ?? "")
        default: writer.value(value)
        }
    }

    /// FNV-1a of 64 bits.
    static func digest(_ bytes: [UInt8], basis: UInt64 = 0xcbf2_9ce4_8422_2325) -> UInt64 {
        bytes.reduce(basis) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
