import Testing

/// A case of Nicolas Seriot's JSONTestSuite, under its name there.
struct SuiteCase: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]

    init(_ name: String, _ text: String) {
        self.name = name
        bytes = Array(text.utf8)
    }

    /// A case that is not UTF-8 in its middle.
    init(_ name: String, _ before: String, _ middle: [UInt8], _ after: String) {
        self.name = name
        bytes = Array(before.utf8) + middle + Array(after.utf8)
    }

    var testDescription: String { name }
}
