import EventModel
import JSONTree

/// An action as it is stored: a definition with masks, and beside it the sealed secrets by their places.
///
/// What is a secret is found by holding what an action writes in the open against what it writes masked: whatever
/// differs is one. So each kind of action says in one place what it hides, and nothing that is hidden from the API is
/// stored in the open.
enum SealedAction {
    /// The secrets of an action: the pointer into it, and the JSON that stands there.
    static func secrets(of plain: JSONValue, masked: JSONValue) -> [(pointer: String, json: [UInt8])] {
        var found: [(pointer: String, json: [UInt8])] = []
        collect(plain, masked, at: "", into: &found)
        return found
    }

    private static func collect(
        _ plain: JSONValue, _ masked: JSONValue, at pointer: String,
        into found: inout [(pointer: String, json: [UInt8])]
    ) {
        guard !plain.source.elementsEqual(masked.source) else { return }
        let members = (Array(plain.members), Array(masked.members))
        let elements = (Array(plain.elements), Array(masked.elements))
        if plain.kind == .object, masked.kind == .object, members.0.map(\.key) == members.1.map(\.key) {
            for (one, other) in zip(members.0, members.1) {
                collect(one.value, other.value, at: JSONPointer.member(one.key, of: pointer), into: &found)
            }
        } else if plain.kind == .array, masked.kind == .array, elements.0.count == elements.1.count {
            for (index, pair) in zip(elements.0, elements.1).enumerated() {
                collect(pair.0, pair.1, at: JSONPointer.element(index, of: pointer), into: &found)
            }
        } else {
            found.append((pointer, Array(plain.source)))
        }
    }

    /// Writes a value with other JSON in some places.
    static func write(_ value: JSONValue, with secrets: [String: [UInt8]], to writer: inout JSONWriter) {
        write(value, at: "", with: secrets, to: &writer)
    }

    private static func write(
        _ value: JSONValue, at pointer: String, with secrets: [String: [UInt8]], to writer: inout JSONWriter
    ) {
        if let secret = secrets[pointer] { return writer.raw(secret) }
        // What has none of them below it stays as it is written.
        guard secrets.keys.contains(where: { $0.hasPrefix(pointer + "/") }) else { return writer.raw(value.source) }
        switch value.kind {
        case .object:
            writer.object { object in
                for (key, member) in value.members {
                    object.key(key)
                    write(member, at: JSONPointer.member(key, of: pointer), with: secrets, to: &object)
                }
            }
        case .array:
            writer.array { array in
                for (index, element) in value.elements.enumerated() {
                    write(element, at: JSONPointer.element(index, of: pointer), with: secrets, to: &array)
                }
            }
        default: writer.raw(value.source)
        }
    }
}

extension Keyring {
    /// The sealed secrets of an action, an object from the pointer into it to the sealed form.
    ///
    /// - Parameter index: which of the trigger's actions it is.
    func sealAction(
        _ index: Int, plain: JSONValue, masked: JSONValue, trigger: UniqueID, organization: UniqueID,
        to writer: inout JSONWriter
    ) throws {
        try writer.object {
            for (pointer, json) in SealedAction.secrets(of: plain, masked: masked) {
                let place = Self.place(pointer, ofAction: index, trigger: trigger, organization: organization)
                $0.member(pointer, try seal(json, at: place))
            }
        }
    }

    /// An action with its secrets in the open.
    ///
    /// - Parameter sealed: what ``sealAction(_:plain:masked:trigger:organization:to:)`` wrote; nil for an action of a
    ///   release that stored them in the open.
    func openAction(
        _ index: Int, masked: JSONValue, sealed: JSONValue?, trigger: UniqueID, organization: UniqueID,
        to writer: inout JSONWriter
    ) throws {
        var secrets: [String: [UInt8]] = [:]
        for (pointer, text) in sealed?.members.map({ ($0.key, $0.value.string ?? "") }) ?? [] {
            let place = Self.place(pointer, ofAction: index, trigger: trigger, organization: organization)
            secrets[pointer] = try open(text, at: place)
        }
        SealedAction.write(masked, with: secrets, to: &writer)
    }

    /// The sealed secrets of all actions, each sealed once more, under the current key.
    func resealActions(_ sealed: JSONValue, trigger: UniqueID, organization: UniqueID) throws -> [UInt8] {
        var writer = JSONWriter()
        try writer.array { list in
            for (index, action) in sealed.elements.enumerated() {
                try list.object { object in
                    for (pointer, text) in action.members {
                        let place = Self.place(pointer, ofAction: index, trigger: trigger, organization: organization)
                        object.member(pointer, try seal(open(text.string ?? "", at: place), at: place))
                    }
                }
            }
        }
        return writer.bytes
    }

    private static func place(
        _ pointer: String, ofAction index: Int, trigger: UniqueID, organization: UniqueID
    ) -> SecretPlace {
        .trigger(trigger, of: organization, pointer: JSONPointer.element(index, of: "/actions") + pointer)
    }
}
