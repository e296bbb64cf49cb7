/// What is fuzzed: each takes any bytes, and says which promise of the parsers they break.
public enum FuzzTarget: String, Sendable, CaseIterable {
    /// The strict parse, walking the tree, paths through it, and writing it again.
    case json
    /// An item of `POST /events`, a body of `POST /ingest`, and the stored event that becomes of it.
    case envelope
    /// CloudEvents in JSON and in headers.
    case cloudevent
    /// RFC 3339 times.
    case time
    /// Field paths.
    case path
    /// Templates, and messages made of them.
    case template

    /// Runs one input.
    ///
    /// - Returns: the promise that was broken, or nil. What traps instead is a finding too.
    public func run(_ input: [UInt8]) -> String? {
        do throws(BrokenPromise) {
            switch self {
            case .json: try JSONTarget.run(input)
            case .envelope: try EnvelopeTarget.run(input)
            case .cloudevent: try CloudEventTarget.run(input)
            case .time: try TimeTarget.run(input)
            case .path: try PathTarget.run(input)
            case .template: try TemplateTarget.run(input)
            }
            return nil
        } catch {
            return error.what
        }
    }
}

/// A promise of a parser that an input breaks.
struct BrokenPromise: Error {
    let what: String
}

/// Throws unless what was promised holds.
func promise(_ isKept: Bool, _ what: @autoclosure () -> String) throws(BrokenPromise) {
    if !isKept { throw BrokenPromise(what: what()) }
}
