import ActionModel
import EventModel
import EventStore
import Outbound

/// The account of the language model, kept in PostgreSQL.
struct StoredLedger: ModelLedger {
    let store: ModelStore

    func reserve(tokens: Int64, organizationID: UniqueID) async throws -> BudgetDecision {
        try await store.reserve(tokens: tokens, organizationID: organizationID)
    }

    func settle(_ use: ModelUse, released: Int64, day: Int64, organizationID: UniqueID) async throws {
        try await store.settle(use, released: released, day: day, organizationID: organizationID)
    }

    func keptAnswer(_ key: [UInt8], organizationID: UniqueID) async throws -> LLMAnswer? {
        try await store.keptAnswer(key, organizationID: organizationID)
    }

    func keep(_ answer: LLMAnswer, for time: TimeSpan, key: [UInt8], organizationID: UniqueID) async throws {
        try await store.keep(answer, for: time, key: key, organizationID: organizationID)
    }
}
