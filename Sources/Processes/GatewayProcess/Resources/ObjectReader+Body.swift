import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree

extension ObjectReader {
    /// The JSON object of a body, for routes without parameters.
    init(body request: Request, _ context: GatewayContext) async throws {
        _ = try QueryParameters(request, knows: [])
        try request.requireJSON()
        self.init(try JSONDocument(try await request.readBody(.single, context: context)).root, pointer: "")
    }

    /// A UUID.
    mutating func uniqueID(_ name: String, required: Bool = false) -> UniqueID? {
        guard let text = string(name, required: required) else { return nil }
        if UniqueID(text) == nil { refuse(name, "must be a UUID") }
        return UniqueID(text)
    }

    /// One word of a closed list.
    mutating func choice<Choice: RawRepresentable>(
        _ name: String, of choices: [Choice], required: Bool = false
    ) -> Choice? where Choice.RawValue == String {
        guard let text = string(name, required: required) else { return nil }
        guard let choice = choices.first(where: { $0.rawValue == text }) else {
            refuse(name, "must be one of \(choices.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
        return choice
    }
}

extension JSONWriter {
    /// The member `scopes`.
    mutating func write(_ scopes: Set<Scope>) {
        key("scopes")
        array { list in scopes.map(\.rawValue).sorted().forEach { list.string($0) } }
    }
}

extension HTTPFields {
    /// Of an answer that holds something that nobody on the way may keep (RFC 6749 §5.1).
    static let secret: HTTPFields = [.cacheControl: "no-store"]
}
