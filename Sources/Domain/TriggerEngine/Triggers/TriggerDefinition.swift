import ActionModel
import EventModel
import JSONTree

/// What a person defines: when something fires, and what is done then (CONTRACT §4).
public struct TriggerDefinition: Sendable {
    static let nameLength = 1...200
    static let descriptionLength = 0...2_000
    static let managedByLength = 1...100
    package static let maximumEventTypes = 100
    static let maximumActions = 20

    /// How a condition was written; it is shown the same way.
    public enum ConditionForm: String, Sendable {
        /// One tree.
        case tree = "condition"
        /// A flat list that means `all`.
        case list = "conditions"
    }

    /// Unique within the organization.
    public let name: String
    /// What the trigger is for.
    public let description: String?
    /// Who keeps the trigger, such as a folder of trigger files; nil for nobody in particular. Whoever removes what is
    /// no longer wanted removes only what is its own.
    public let managedBy: String?
    /// Whether it fires at all.
    public private(set) var enabled: Bool
    /// Which event types reach the condition; empty means all.
    public let eventTypes: [Glob]
    /// What must be true of an event; nil means every event.
    public let condition: TriggerCondition?
    /// The condition as written, JSON; nil without one.
    public let conditionSource: [UInt8]?
    /// Which member the condition was written in.
    public let conditionForm: ConditionForm
    /// How long the trigger keeps quiet when it has fired; nil for not at all.
    public let cooldown: TimeSpan?
    /// Each combination of the values of these fields keeps quiet by itself.
    public let cooldownBy: [FieldPath]
    /// What is done when the trigger fires, in this order.
    public let actions: [ActionDefinition]

    /// Reads a definition.
    ///
    /// What the API adds when it shows a trigger (`id`, `version`, `created_at`, `updated_at`) is passed over, so that
    /// what was got can be changed and put back.
    /// - Parameters:
    ///   - previous: the definition that this one replaces; masked secrets keep the ones stored there.
    /// - Throws: everything that is wrong with it.
    public init(_ value: JSONValue, secretsFrom previous: TriggerDefinition? = nil) throws(JSONValidationError) {
        var reader = ObjectReader(value, pointer: "")
        for name in ["id", "version", "created_at", "updated_at"] { _ = reader.member(name) }
        let name = reader.string("name", required: true, length: Self.nameLength)
        description = reader.string("description", length: Self.descriptionLength)
        managedBy = reader.string("managed_by", length: Self.managedByLength)
        enabled = reader.bool("enabled") ?? true
        eventTypes = Self.readEventTypes(&reader)
        (condition, conditionSource, conditionForm) = Self.readCondition(&reader)
        cooldown = Self.readCooldown(&reader)
        cooldownBy = FieldPath.list("cooldown_by", &reader)
        if !cooldownBy.isEmpty, !reader.has("cooldown") { reader.refuse("cooldown_by", "needs a cooldown") }
        actions = Self.readActions(&reader, previous: previous?.actions ?? [])
        try reader.finish()
        guard let name else { throw JSONValidationError(pointer: "/name", detail: "is required") }
        self.name = name
    }

    /// The same definition, enabled or not.
    public func enabling(_ isEnabled: Bool) -> TriggerDefinition {
        var copy = self
        copy.enabled = isEnabled
        return copy
    }

    /// Writes the members of the definition into an object that the caller has begun; ``SecretMode/plain`` reads back
    /// as the same.
    public func write(to writer: inout JSONWriter, secrets: SecretMode) {
        writer.member("name", name)
        writer.member("description", description)
        if let managedBy { writer.member("managed_by", managedBy) }
        writer.member("enabled", enabled)
        writer.key("event_types")
        writer.array { for glob in eventTypes { $0.string(glob.description) } }
        if let conditionSource {
            writer.memberRaw(conditionForm.rawValue, conditionSource)
        } else {
            writer.memberNull("condition")
        }
        if let cooldown { writer.member("cooldown", cooldown.description) }
        if !cooldownBy.isEmpty {
            writer.key("cooldown_by")
            writer.array { for path in cooldownBy { $0.string(path.description) } }
        }
        writer.key("actions")
        writer.array { for action in actions { action.write(to: &$0, secrets: secrets) } }
    }
}

// MARK: - Reading

extension TriggerDefinition {
    private static func readEventTypes(_ reader: inout ObjectReader) -> [Glob] {
        let elements = reader.array("event_types", count: 0...maximumEventTypes) ?? []
        return elements.compactMap { element, place in
            reader.attempt { () throws(JSONValidationError) -> Glob in
                guard let text = element.string else {
                    throw JSONValidationError(pointer: place, detail: "must be a string")
                }
                return try Glob(text, pointer: place)
            }
        }
    }

    private static func readCondition(
        _ reader: inout ObjectReader
    ) -> (TriggerCondition?, source: [UInt8]?, form: ConditionForm) {
        let tree = reader.member("condition")
        let list = reader.member("conditions")
        guard let value = tree ?? list else { return (nil, nil, .tree) }
        if tree != nil, list != nil { reader.refuse("conditions", "can't stand beside condition") }
        let form: ConditionForm = tree == nil ? .list : .tree
        let place = reader.pointer(to: form.rawValue)
        let condition = reader.attempt { () throws(JSONValidationError) -> TriggerCondition in
            form == .tree
                ? try TriggerCondition(value, pointer: place) : try TriggerCondition(list: value, pointer: place)
        }
        return (condition, Array(value.source), form)
    }

    private static func readCooldown(_ reader: inout ObjectReader) -> TimeSpan? {
        guard let text = reader.string("cooldown") else { return nil }
        guard let span = TimeSpan(text), Aggregate.spans.contains(span) else {
            let bounds = "\(Aggregate.spans.lowerBound) to \(Aggregate.spans.upperBound)"
            reader.refuse("cooldown", "must be a duration from \(bounds), like \"10m\"")
            return nil
        }
        return span
    }

    /// An action takes its secrets from the one that had its place, or else from any other.
    private static func readActions(_ reader: inout ObjectReader, previous: [ActionDefinition]) -> [ActionDefinition] {
        let elements = reader.array("actions", count: 0...maximumActions) ?? []
        return elements.enumerated().compactMap { index, item in
            let samePlace = previous.indices.contains(index) ? [previous[index]] : []
            return reader.attempt { () throws(JSONValidationError) -> ActionDefinition in
                try ActionDefinition(item.element, pointer: item.pointer, secretsFrom: samePlace + previous)
            }
        }
    }
}
