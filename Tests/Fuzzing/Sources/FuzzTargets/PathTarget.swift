import EventModel
import JSONTree

/// Field paths: what is accepted is written in a form that is accepted and is the same path; a refusal names a place in
/// the text.
enum PathTarget {
    static func run(_ input: [UInt8]) throws(BrokenPromise) {
        let text = String(decoding: input, as: UTF8.self)
        let path: JSONPath
        do throws(JSONPathError) {
            path = try JSONPath(text)
        } catch {
            try promise((0...text.utf8.count).contains(error.offset), "\(error) of \(text.utf8.count) bytes")
            return
        }
        try promise((1...64).contains(path.components.count), "a path of \(path.components.count) steps")
        // Brackets take more room than dots, so that the text of a path may be longer than one that is taken.
        guard path.description.utf8.count <= 1024 else { return }
        try promise(try read(path.description) == path, "\(path.description) is another path than \(text)")

        do throws(JSONValidationError) {
            let field = try FieldPath(text)
            guard field.description.utf8.count <= 1024, path.components.count < 64 else { return }
            guard try FieldPath(field.description) == field else {
                throw JSONValidationError(pointer: "", detail: "\(field) is another field than \(text)")
            }
        } catch {
            throw BrokenPromise(what: "\(error)")
        }
    }

    private static func read(_ text: String) throws(BrokenPromise) -> JSONPath {
        do throws(JSONPathError) {
            return try JSONPath(text)
        } catch {
            throw BrokenPromise(what: "\(text) is refused: \(error)")
        }
    }
}
