extension RouteDescriptions {
    /// Those of all routes; a route that is described twice is an error of ours, which a test finds.
    static let all: RouteDescriptions = parts.reduce(into: [:]) { all, part in
        all.merge(part) { first, _ in first }
    }

    static let parts: [RouteDescriptions] = [
        EventIntake.descriptions, EventRoutes.descriptions, StatsRoutes.descriptions, StreamRoutes.descriptions,
        ExplanationRoutes.descriptions, TriggerRoutes.descriptions, TriggerVersionRoutes.descriptions,
        TriggerShadowRoutes.descriptions, TriggerTestRoutes.descriptions, CalibrationRoutes.descriptions,
        FiringRoutes.descriptions, BacktestRoutes.descriptions, DeliveryRoutes.descriptions,
        ReplayRoutes.descriptions, BreakerRoutes.descriptions, SourceRoutes.descriptions, HookRoutes.descriptions,
        SchemaRoutes.descriptions, UsageRoutes.descriptions, HealthRoutes.descriptions, InterfaceRoutes.descriptions,
        AccountRoutes.descriptions, OrganizationRoutes.descriptions, MemberRoutes.descriptions,
        InvitationRoutes.descriptions, KeyRoutes.descriptions, AuditRoutes.descriptions,
    ]
}
