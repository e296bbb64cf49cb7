/// The states that triggers are working on, as far as they have been loaded.
///
/// The engine reads and writes it; whoever owns the database loads what the engine will need, and stores what has
/// changed. After a transaction that failed it is thrown away whole.
public struct StateTable: Sendable {
    /// Makes an empty table.
    public init() {}

    /// How many states are held, with those that are known not to exist.
    public var count: Int { 0 }

    /// Whether it is not known what the database holds under a key.
    public func lacks(_ key: StateKey) -> Bool { true }

    /// Takes what the database holds under a key; nil when it holds nothing.
    ///
    /// - Throws: when the bytes are no state (of this release); the state then begins anew.
    public mutating func load(_ key: StateKey, _ bytes: [UInt8]?) throws(StateError) {}

    /// What has changed since the last call.
    public mutating func takeChanges() -> [StateChange] { [] }

    /// Forgets states that have not been used for longest, but none that has changed, until there are at most `count`.
    public mutating func shrink(to count: Int) {}
}

/// Bytes that are no state.
public struct StateError: Error {
    /// What is wrong with them.
    public let detail: String
}
