public import ActionModel
public import EventModel
public import EventStore
public import TriggerEngine

/// Whom the audit log names for what tests change.
public var testActor: AuditActor {
    get throws { try .commandLine(secret: String(repeating: "s", count: 32)) }
}

// Most tests that change something are not about who did it.

extension TriggerStore {
    /// On behalf of ``testActor``.
    public func create(_ definition: TriggerDefinition, organizationID: UniqueID) async throws -> Trigger {
        try await create(definition, by: testActor, organizationID: organizationID)
    }

    /// On behalf of ``testActor``.
    public func replace(
        _ id: UniqueID, organizationID: UniqueID, at versions: Set<Int32>? = nil,
        with make: @Sendable (TriggerDefinition) throws -> TriggerDefinition
    ) async throws -> Trigger? {
        try await replace(id, by: testActor, organizationID: organizationID, at: versions, with: make)
    }

    /// On behalf of ``testActor``.
    public func delete(
        _ id: UniqueID, organizationID: UniqueID, at versions: Set<Int32>? = nil
    ) async throws -> Bool {
        try await delete(id, by: testActor, organizationID: organizationID, at: versions)
    }

    /// On behalf of ``testActor``.
    public func rollBack(_ id: UniqueID, to number: Int32, organizationID: UniqueID) async throws -> Trigger? {
        try await rollBack(id, to: number, by: testActor, organizationID: organizationID)
    }

    /// On behalf of ``testActor``.
    public func setShadow(
        of id: UniqueID, organizationID: UniqueID,
        with make: @Sendable (TriggerDefinition) throws -> TriggerDefinition
    ) async throws -> TriggerVersion? {
        try await setShadow(of: id, by: testActor, organizationID: organizationID, with: make)
    }

    /// On behalf of ``testActor``.
    public func clearShadow(of id: UniqueID, organizationID: UniqueID) async throws -> Bool {
        try await clearShadow(of: id, by: testActor, organizationID: organizationID)
    }

    /// On behalf of ``testActor``.
    public func promoteShadow(of id: UniqueID, organizationID: UniqueID) async throws -> Trigger? {
        try await promoteShadow(of: id, by: testActor, organizationID: organizationID)
    }
}

extension SourceStore {
    /// On behalf of ``testActor``.
    public func create(_ definition: SourceDefinition, organizationID: UniqueID) async throws -> Source {
        try await create(definition, by: testActor, organizationID: organizationID)
    }

    /// On behalf of ``testActor``.
    public func replace(
        _ id: UniqueID, organizationID: UniqueID,
        with make: @Sendable (SourceDefinition?) throws -> SourceDefinition
    ) async throws -> Source? {
        try await replace(id, by: testActor, organizationID: organizationID, with: make)
    }

    /// On behalf of ``testActor``.
    public func delete(_ id: UniqueID, organizationID: UniqueID) async throws -> Bool {
        try await delete(id, by: testActor, organizationID: organizationID)
    }
}

extension DeliveryStore {
    /// On behalf of ``testActor``.
    public func retry(_ id: UniqueID, organizationID: UniqueID) async throws -> DeliveryChange? {
        try await retry(id, by: testActor, organizationID: organizationID)
    }

    /// On behalf of ``testActor``.
    public func cancel(_ id: UniqueID, organizationID: UniqueID) async throws -> DeliveryChange? {
        try await cancel(id, by: testActor, organizationID: organizationID)
    }

    /// On behalf of ``testActor``.
    public func purge(organizationID: UniqueID, filter: DeliveryFilter, limit: Int) async throws -> Int {
        try await purge(organizationID: organizationID, filter: filter, limit: limit, by: testActor)
    }
}

extension BreakerStore {
    /// On behalf of ``testActor``.
    public func open(
        _ endpoints: some Collection<String>, organizationID: UniqueID, forMicroseconds duration: Int64?
    ) async throws {
        try await open(endpoints, organizationID: organizationID, forMicroseconds: duration, by: testActor)
    }

    /// On behalf of ``testActor``.
    public func close(_ endpoints: some Collection<String>, organizationID: UniqueID) async throws {
        try await close(endpoints, organizationID: organizationID, by: testActor)
    }
}

extension ReplayStore {
    /// On behalf of ``testActor``.
    public func create(_ order: NewReplay, organizationID: UniqueID) async throws -> Replay {
        try await create(order, by: testActor, organizationID: organizationID)
    }

    /// On behalf of ``testActor``.
    public func cancel(_ id: UniqueID, organizationID: UniqueID) async throws -> Replay? {
        try await cancel(id, by: testActor, organizationID: organizationID)
    }
}

extension BacktestStore {
    /// On behalf of ``testActor``.
    public func create(_ order: NewBacktest, organizationID: UniqueID) async throws -> Backtest {
        try await create(order, by: testActor, organizationID: organizationID)
    }

    /// On behalf of ``testActor``.
    public func cancel(_ id: UniqueID, organizationID: UniqueID) async throws -> Backtest? {
        try await cancel(id, by: testActor, organizationID: organizationID)
    }
}

extension RetentionStore {
    /// On behalf of ``testActor``.
    public func set(days: Int32?, organization: String?) async throws -> [String] {
        try await set(days: days, organization: organization, by: testActor)
    }
}

extension ModelStore {
    /// On behalf of ``testActor``.
    public func set(_ budget: ModelBudget?, organization: String) async throws -> Bool {
        try await set(budget, organization: organization, by: testActor)
    }
}
