import ActionModel
import EventModel
import JSONTree
import Outbound
import TestKit

/// A firing of the trigger `big payment` by one event.
func makeFiring(
    data: String = #"{"amount": 150, "customer": {"name": "Alice"}}"#, metadata: String? = nil
) throws -> Firing {
    let time = Timestamp(microseconds: 1_700_000_000_000_000)
    let event = Event(
        id: UniqueID(high: 1, low: 1), organizationID: UniqueID(high: 2, low: 2), part: 0, position: 1,
        type: "PaymentProcessed", source: "shop", subject: nil, time: time, receivedAt: time, producerID: nil,
        traceparent: nil, data: Array(data.utf8), metadata: metadata.map { Array($0.utf8) })
    return Firing(
        id: UniqueID(high: 3, low: 3), triggerID: UniqueID(high: 4, low: 4), triggerName: "big payment",
        triggerVersion: 7,
        firedAt: time, event: try ParsedEvent(event))
}

/// An action as a trigger's definition has it.
func makeAction(_ json: String) throws -> ActionDefinition {
    try ActionDefinition(try JSONDocument(json).root, pointer: "")
}

/// A sender that may reach this machine, where the Bot API is too.
func makeSender(telegramPort: Int = 1, allowing blocks: [String] = ["127.0.0.0/8"]) throws -> ActionSender {
    try ActionSender(allowing: blocks, telegramAPIBase: "http://127.0.0.1:\(telegramPort)", logger: testLogger)
}
