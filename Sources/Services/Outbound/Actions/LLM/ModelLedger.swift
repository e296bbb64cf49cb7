public import ActionModel
public import EventModel

/// Keeps account of the language model: budgets, what was used of them, and answers that may be given again.
public protocol ModelLedger: Sendable {
    /// Sets tokens of an organization's budget aside, if the day's budget holds them.
    func reserve(tokens: Int64, organizationID: UniqueID) async throws -> BudgetDecision

    /// Books what was really used.
    ///
    /// - Parameters:
    ///   - day: the one that they were set aside on, as ``BudgetDecision/granted(day:)`` says.
    ///   - released: how many of the tokens that were set aside are so no longer.
    func settle(_ use: ModelUse, released: Int64, day: Int64, organizationID: UniqueID) async throws

    /// The answer that was kept for a question, if it may still be given.
    ///
    /// - Parameter key: a digest of all that was asked.
    func keptAnswer(_ key: [UInt8], organizationID: UniqueID) async throws -> LLMAnswer?

    /// Keeps an answer for so long.
    func keep(_ answer: LLMAnswer, for time: TimeSpan, key: [UInt8], organizationID: UniqueID) async throws
}
