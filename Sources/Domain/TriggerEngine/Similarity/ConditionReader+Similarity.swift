import ActionModel
import EventModel
import JSONTree
import TextModel

extension ConditionReader {
    /// What `at_least` is where it may be left out and is.
    static let anyDegree = 0.5

    /// Reads `{"similar_to": text | [texts], "at_least": degree, "field"?: path}`.
    mutating func readSimilarity(_ value: JSONValue, pointer: String) -> TriggerCondition? {
        var reader = ObjectReader(value, pointer: pointer)
        let examples = readExamples(&reader)
        let degree = readDegree(&reader)
        let isOfField = reader.has("field")
        let field = isOfField ? readField(&reader, or: nil) : FieldPath(.data(nil))
        if !isOfField { _ = reader.member("field") }
        switch field?.root {
        case .time, .receivedAt, .clock: reader.refuse("field", "is a time, and has no text")
        default: break
        }
        guard finish(&reader), let examples, let degree, let field else { return nil }
        return .leaf(
            Comparison(
                field: field,
                test: .similar(
                    Similarity(
                        examples.vectors, scope: isOfField ? .field : .event, threshold: degree,
                        source: examples.source)),
                name: nil, source: examples.source))
    }

    private func readExamples(_ reader: inout ObjectReader) -> (vectors: [[Float]], source: [UInt8])? {
        guard let member = reader.member("similar_to", required: true) else { return nil }
        let place = reader.pointer(to: "similar_to")
        let items: [(JSONValue, String)]
        switch member.kind {
        case .string: items = [(member, place)]
        case .array where (1...Similarity.maximumExamples).contains(member.count):
            items = member.elements.enumerated().map { ($1, JSONPointer.element($0, of: place)) }
        default:
            reader.refuse("similar_to", "must be a text, or an array of 1 to \(Similarity.maximumExamples) texts")
            return nil
        }
        let vectors = items.compactMap { item, pointer in
            reader.attempt { () throws(JSONValidationError) -> [Float] in
                let length = Similarity.exampleLength
                guard let text = item.string, length.contains(text.unicodeScalars.count) else {
                    throw JSONValidationError(
                        pointer: pointer,
                        detail: "must be a text of \(length.lowerBound) to \(length.upperBound) characters")
                }
                let vector = LexicalEmbedder().vector(of: text)
                guard !vector.isEmpty else {
                    throw JSONValidationError(pointer: pointer, detail: "has no letter and no digit")
                }
                return vector
            }
        }
        return vectors.count == items.count ? (vectors, Array(member.source)) : nil
    }

    private func readDegree(_ reader: inout ObjectReader) -> Double? {
        guard let member = reader.member("at_least", required: !isCalibrating) else {
            return isCalibrating ? Self.anyDegree : nil
        }
        guard let degree = member.double, degree > 0, degree <= 1 else {
            reader.refuse("at_least", "must be a number above 0 and up to 1")
            return nil
        }
        return degree
    }
}
