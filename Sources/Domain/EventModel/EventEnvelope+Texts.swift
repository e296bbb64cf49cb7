extension EventEnvelope {
    /// Longest type and producer id, in characters.
    public static let typeLength = 255
    /// Longest source and subject, in characters.
    public static let subjectLength = 512

    /// Whether a text may be a member of an event: neither empty, nor too long, nor with control characters.
    ///
    /// - Parameter maximum: the longest in characters (Unicode scalars, as PostgreSQL counts).
    public static func isFit(_ text: String, upTo maximum: Int) -> Bool {
        EnvelopeReader.problem(with: text, from: 1, upTo: maximum) == nil
    }

    /// Whether a text is a trace's context (W3C Trace Context §3.2).
    public static func isTraceparent(_ text: String) -> Bool { EnvelopeReader.isTraceparent(text) }
}
