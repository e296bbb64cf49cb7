import EventModel
import JSONTree

@testable import ActionModel

/// A firing of the trigger "big payments" on an event with this data.
func firing(_ data: String, type: String = "PaymentProcessed", subject: String? = nil) throws -> Firing {
    let event = Event(
        id: UniqueID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001),
        organizationID: UniqueID(high: 1, low: 1), part: 3, position: 9, type: type, source: "shop", subject: subject,
        time: Timestamp(rfc3339: "2026-03-01T08:30:00Z")!, receivedAt: Timestamp(rfc3339: "2026-03-01T08:30:01Z")!,
        producerID: "p-1", traceparent: nil, data: Array(data.utf8))
    return Firing(
        id: UniqueID(high: 2, low: 2), triggerID: UniqueID(high: 3, low: 3), triggerName: "big payments",
        triggerVersion: 7, firedAt: Timestamp(rfc3339: "2026-03-01T08:30:02Z")!, event: try ParsedEvent(event))
}

func json(_ text: String) throws -> JSONValue { try JSONDocument(text).root }

func action(_ text: String, from previous: ActionDefinition? = nil) throws -> ActionDefinition {
    try ActionDefinition(try json(text), pointer: "/actions/0", secretsFrom: previous)
}

func rest(_ config: String) throws -> RestAction {
    guard case .rest(let action) = try action(#"{"type":"rest","config":\#(config)}"#).config else {
        throw JSONValidationError(pointer: "", detail: "not a rest action")
    }
    return action
}

func telegram(_ config: String) throws -> TelegramAction {
    guard case .telegram(let action) = try action(#"{"type":"telegram","config":\#(config)}"#).config else {
        throw JSONValidationError(pointer: "", detail: "not a telegram action")
    }
    return action
}

func slack(_ config: String) throws -> SlackAction {
    guard case .slack(let action) = try action(#"{"type":"slack","config":\#(config)}"#).config else {
        throw JSONValidationError(pointer: "", detail: "not a slack action")
    }
    return action
}

func email(_ config: String) throws -> EmailAction {
    guard case .email(let action) = try action(#"{"type":"email","config":\#(config)}"#).config else {
        throw JSONValidationError(pointer: "", detail: "not an email action")
    }
    return action
}

/// The problems that a piece of work throws, as `pointer: detail`.
func problems(_ body: () throws -> Void) -> [String] {
    do {
        try body()
        return []
    } catch let error as JSONValidationError {
        return error.problems.map { "\($0.pointer): \($0.detail)" }
    } catch {
        return ["\(error)"]
    }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

extension ActionDefinition {
    func written(_ secrets: SecretMode) -> String {
        var writer = JSONWriter()
        write(to: &writer, secrets: secrets)
        return text(writer.bytes)
    }
}
