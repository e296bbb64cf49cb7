/// The vectors of the texts that were asked for last, by their content.
///
/// The bound is kept by two generations: new and used texts move to the young one, and when that has half of the limit,
/// the old one is dropped.
struct VectorCache: Sendable {
    /// What the model has made of a text.
    enum Entry: Sendable {
        case vector([Float])
        /// The endpoint refuses it.
        case refused
    }

    private let limit: Int
    private var young: [EmbeddedText: Entry] = [:]
    private var old: [EmbeddedText: Entry] = [:]

    init(limit: Int) {
        self.limit = max(2, limit)
    }

    var count: Int { young.count + old.count }

    /// What is known of a text, which counts as a use of it.
    mutating func find(_ text: EmbeddedText) -> Entry? {
        if let entry = young[text] { return entry }
        guard let entry = old.removeValue(forKey: text) else { return nil }
        put(entry, for: text)
        return entry
    }

    mutating func put(_ entry: Entry, for text: EmbeddedText) {
        if young.count >= limit / 2 {
            old = young
            young = [:]
        }
        young[text] = entry
    }
}
