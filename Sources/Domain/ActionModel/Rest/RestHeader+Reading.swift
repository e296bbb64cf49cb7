import JSONTree

extension RestHeader {
    /// Reads the member `headers`, an object of names with their values.
    ///
    /// - Parameters:
    ///   - reserved: names in lower case that the caller sets itself, beside those that nobody can.
    ///   - kept: stored headers whose values a mask may stand for.
    static func readAll(
        _ reader: inout ObjectReader, reserved: Set<String> = [], kept: [RestHeader]
    ) -> [RestHeader] {
        guard let object = reader.member("headers") else { return [] }
        guard object.kind == .object, object.count <= maximumCount else {
            reader.refuse("headers", "must be an object of at most \(maximumCount) names with their values")
            return []
        }
        let place = reader.pointer(to: "headers")
        var headers: [RestHeader] = []
        for (name, value) in object.members {
            let header = reader.attempt { () throws(JSONValidationError) -> RestHeader in
                let pointer = JSONPointer.member(name, of: place)
                guard !reserved.contains(name.lowercased()) else {
                    throw JSONValidationError(pointer: pointer, detail: "can't be set: the request has its own")
                }
                return try read(name, value, pointer: pointer, before: headers, kept: kept)
            }
            if let header { headers.append(header) }
        }
        return headers
    }

    private static func read(
        _ name: String, _ value: JSONValue, pointer: String, before headers: [RestHeader], kept: [RestHeader]
    ) throws(JSONValidationError) -> RestHeader {
        guard let text = value.string else { throw JSONValidationError(pointer: pointer, detail: "must be a string") }
        let isSame: (RestHeader) -> Bool = { $0.name.lowercased() == name.lowercased() }
        guard !headers.contains(where: isSame) else {
            throw JSONValidationError(pointer: pointer, detail: "is there twice; names are the same in any case")
        }
        guard SecretMask.covers(header: name), SecretMask.isMasked(text) else {
            return try RestHeader(name, text, pointer: pointer)
        }
        guard let header = kept.first(where: isSame) else {
            throw JSONValidationError(pointer: pointer, detail: SigningSecret.unknownMask)
        }
        return try RestHeader(name, header.value.source, pointer: pointer)
    }

    /// Writes the member `headers` unless there are none.
    static func write(_ headers: [RestHeader], to writer: inout JSONWriter, secrets: SecretMode) {
        guard !headers.isEmpty else { return }
        writer.key("headers")
        writer.object { object in
            for header in headers {
                let isHidden = secrets == .masked && header.isSecret
                object.member(header.name, isHidden ? SecretMask.dots : header.value.source)
            }
        }
    }
}
