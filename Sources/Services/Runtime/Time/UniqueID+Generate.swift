import EventModel

extension UniqueID {
    /// A new version 7 id (RFC 9562) whose milliseconds are those of the given time, random otherwise.
    ///
    /// Ids of different milliseconds sort by time; within one millisecond their order is arbitrary, because the
    /// order of events is their log position and not their id.
    public static func generate(at time: Timestamp = .now()) -> UniqueID {
        var random = SystemRandomNumberGenerator()
        return version7(milliseconds: time.microseconds / 1_000, random: (random.next(), random.next()))
    }
}
