import ActionModel
import EventModel
import JSONTree

extension ObjectReader {
    /// A UUID.
    mutating func uniqueID(_ name: String, required: Bool = false) -> UniqueID? {
        guard let text = string(name, required: required) else { return nil }
        guard let id = UniqueID(text) else {
            refuse(name, "must be a UUID")
            return nil
        }
        return id
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
