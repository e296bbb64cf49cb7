/// What an organization has used of its language model on one day (UTC).
public struct ModelUse: Sendable, Equatable {
    /// Questions that were answered, or tried.
    public var requests: Int64 = 0
    /// Tokens, as the service counts them.
    public var usage = ChatCompletion.Usage()
    /// How long the model was busy, in microseconds.
    public var microseconds: Int64 = 0

    /// Nothing used.
    public init() {}
}

/// How much a day may use; nil members are not bounded.
public struct ModelBudget: Sendable, Equatable {
    /// Tokens of questions and answers.
    public let tokensPerDay: Int64?
    /// Seconds in which a model is busy.
    public let secondsPerDay: Int64?

    /// Makes a budget.
    public init(tokensPerDay: Int64? = nil, secondsPerDay: Int64? = nil) {
        self.tokensPerDay = tokensPerDay
        self.secondsPerDay = secondsPerDay
    }
}

/// Whether a question may be asked.
public enum BudgetDecision: Sendable, Equatable {
    /// Its tokens are set aside, on the day whose beginning is given in microseconds since 1970.
    case granted(day: Int64)
    /// The day's budget does not hold it; there is a new one after so many microseconds.
    case exhausted(reason: String, renewedAfterMicroseconds: Int64)
}
