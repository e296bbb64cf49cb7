import EventModel
import HTTPTypes
import Hummingbird

extension Request {
    /// The trace that the request belongs to (W3C Trace Context §3.2); a field that can't be read counts as absent, as
    /// the specification wants it.
    var traceparent: String? {
        let fields = headers[values: .traceparent]
        return fields.count == 1 && EventEnvelope.isTraceparent(fields[0]) ? fields[0] : nil
    }
}

extension EventEnvelope {
    /// The same event in the trace of the request that brought it, unless it names one itself.
    func orTrace(_ traceparent: String?) -> EventEnvelope {
        guard self.traceparent == nil, let traceparent else { return self }
        return EventEnvelope(
            type: type, source: source, subject: subject, time: time, producerID: producerID,
            traceparent: traceparent, cause: cause, data: data, metadata: metadata)
    }
}

extension HTTPField.Name {
    /// W3C Trace Context.
    static let traceparent = HTTPField.Name("traceparent")!
}
