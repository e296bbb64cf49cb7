public import ActionModel
public import EventModel
public import PostgresWire
import Runtime

/// What an organization used of its language model on one day.
public struct ModelDay: Sendable, Equatable {
    /// The day's beginning (UTC).
    public let day: Timestamp
    /// What was used.
    public let use: ModelUse
    /// Answers that were given again, for which nobody was asked.
    public let cached: Int64
    /// Tokens that are set aside for questions under way.
    public let setAsideTokens: Int64
}

/// The account of the language model: what was used, what may be, and answers that may be given again.
public struct ModelStore: Sendable {
    /// Larger answers are not kept, in bytes.
    static let maximumKeptBytes = 64 * 1024

    private let pool: PostgresPool
    private let budget: ModelBudget

    /// Makes a store.
    ///
    /// - Parameter budget: of organizations that have none of their own.
    public init(pool: PostgresPool, budget: BudgetSettings = BudgetSettings()) {
        self.pool = pool
        self.budget = ModelBudget(
            tokensPerDay: budget.tokensPerDay.map { Int64($0) }, secondsPerDay: budget.secondsPerDay.map { Int64($0) })
    }

    private var defaults: [PostgresParameter] {
        [.optional(budget.tokensPerDay), .optional(budget.secondsPerDay)]
    }

    // MARK: - For the pipeline's role

    /// Sets tokens of today's budget aside, if it holds them and its time is not used up.
    public func reserve(tokens: Int64, organizationID: UniqueID) async throws -> BudgetDecision {
        let rows = try await pool.query(
            ModelStatements.reserve, [.uuid(organizationID), .int8(tokens)] + defaults)
        guard let row = rows.first else { throw EventStoreError(.unexpected, "no answer about a budget") }
        let day = try row.decode(1, as: Timestamp.self)
        guard try !row.decode(0, as: Bool.self) else { return .granted(day: day.microseconds) }
        let used = try row.decode(4, as: Int64.self)
        let seconds = try row.decode(5, as: Int64.self) / 1_000_000
        let tokenBound = try row.decodeIfPresent(2, as: Int64.self)
        let secondBound = try row.decodeIfPresent(3, as: Int64.self)
        var reasons: [String] = []
        if let tokenBound, used + tokens > tokenBound {
            reasons.append("\(tokenBound) tokens, of which \(used) are used and this needs up to \(tokens)")
        }
        if let secondBound, seconds >= secondBound { reasons.append("\(secondBound) seconds, of which all are used") }
        let end = Timestamp(microseconds: day.microseconds + 86_400_000_000)
        return .exhausted(
            reason: "the organization's budget of the language model for \(day.rfc3339.prefix(10)) is "
                + "\(reasons.joined(separator: ", and ")); the next begins at \(end.rfc3339)",
            renewedAfterMicroseconds: try row.decode(6))
    }

    /// Books what was used on a day.
    ///
    /// - Parameters:
    ///   - released: how many of the tokens that were set aside are so no longer.
    ///   - day: its beginning, in microseconds since 1970.
    public func settle(_ use: ModelUse, released: Int64, day: Int64, organizationID: UniqueID) async throws {
        _ = try await pool.query(
            ModelStatements.settle,
            [
                .uuid(organizationID), .timestamp(Timestamp(microseconds: day)), .int8(use.requests),
                .int8(use.usage.promptTokens), .int8(use.usage.completionTokens), .int8(released),
                .int8(use.microseconds),
            ])
    }

    /// The answer that was kept for a question, unless its time is over; it is counted.
    public func keptAnswer(_ key: [UInt8], organizationID: UniqueID) async throws -> LLMAnswer? {
        try await pool.query(ModelStatements.find, [.uuid(organizationID), .bytes(key)]).first.map {
            LLMAnswer(text: try $0.decode(0), thinking: try $0.decode(1), isJSON: try $0.decode(2))
        }
    }

    /// Keeps an answer for so long, unless it is large; some whose time is over go for it.
    public func keep(_ answer: LLMAnswer, for time: TimeSpan, key: [UInt8], organizationID: UniqueID) async throws {
        guard answer.text.utf8.count + answer.thinking.utf8.count <= Self.maximumKeptBytes else { return }
        _ = try await pool.query(
            ModelStatements.keep,
            [
                .uuid(organizationID), .bytes(key), .text(answer.text), .text(answer.thinking), .bool(answer.isJSON),
                .int8(time.microseconds),
            ])
    }

    // MARK: - For the gateway's role

    /// What the organization used, the newest day first.
    ///
    /// - Parameter before: the day after those that are wanted.
    public func days(organizationID: UniqueID, before: Timestamp? = nil, limit: Int) async throws -> [ModelDay] {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(
                ModelStatements.days, [.uuid(organizationID), .optional(before), .int8(Int64(limit))])
        }
        return try rows.map { row in
            var use = ModelUse()
            use.requests = try row.decode(1)
            use.usage = ChatCompletion.Usage(promptTokens: try row.decode(3), completionTokens: try row.decode(4))
            use.microseconds = try row.decode(6)
            return ModelDay(
                day: try row.decode(0), use: use, cached: try row.decode(2), setAsideTokens: try row.decode(5))
        }
    }

    /// What the organization may use of a day.
    public func budget(organizationID: UniqueID) async throws -> ModelBudget {
        let rows = try await pool.withTransaction(organization: organizationID) { connection in
            try await connection.query(ModelStatements.budget, [.uuid(organizationID)] + defaults)
        }
        guard let row = rows.first else { return budget }
        return ModelBudget(tokensPerDay: try row.decodeIfPresent(0), secondsPerDay: try row.decodeIfPresent(1))
    }

    // MARK: - For the administrator's role

    /// Sets an organization's own budget, or takes it away.
    ///
    /// - Returns: false when there is no organization of that name.
    public func set(_ budget: ModelBudget?, organization: String, by actor: AuditActor) async throws -> Bool {
        try await pool.withTransaction { connection in
            let rows =
                if let budget {
                    try await connection.query(
                        ModelStatements.set,
                        [.text(organization), .optional(budget.tokensPerDay), .optional(budget.secondsPerDay)])
                } else {
                    try await connection.query(ModelStatements.unset, [.text(organization)])
                }
            guard let id: UniqueID = try rows.first?.decode(0) else { return false }
            let limits = [("tokens_per_day", budget?.tokensPerDay), ("seconds_per_day", budget?.secondsPerDay)]
            let details = limits.compactMap { name, limit in limit.map { (name: name, value: "\($0)") } }
            try await actor.note(
                AuditChange("budget.\(budget == nil ? "removed" : "set")", id.description, details: details),
                organizationID: id, on: connection)
            return true
        }
    }

    /// What each organization has used today, in the order of their names.
    public func today() async throws -> [(organization: String, budget: ModelBudget, use: ModelUse)] {
        try await pool.query(ModelStatements.today, defaults).map { row in
            var use = ModelUse()
            use.requests = try row.decode(3)
            use.usage = ChatCompletion.Usage(promptTokens: try row.decode(4), completionTokens: try row.decode(5))
            use.microseconds = try row.decode(6)
            return (
                try row.decode(0),
                ModelBudget(tokensPerDay: try row.decodeIfPresent(1), secondsPerDay: try row.decodeIfPresent(2)), use
            )
        }
    }
}
