import EventModel

/// RFC 3339 times: what is accepted is written in a form that is accepted, is the same moment, and stays as it is.
enum TimeTarget {
    static func run(_ input: [UInt8]) throws(BrokenPromise) {
        guard let moment = Timestamp(rfc3339: String(decoding: input, as: UTF8.self)) else { return }
        let text = moment.rfc3339
        try promise(Timestamp(rfc3339: text) == moment, "\(text) is not the moment that it was written of")
        try promise(Timestamp(rfc3339: text)?.rfc3339 == text, "\(text) is written in two ways")
        try promise((20...27).contains(text.utf8.count), "\(text) has \(text.utf8.count) bytes")
    }
}
