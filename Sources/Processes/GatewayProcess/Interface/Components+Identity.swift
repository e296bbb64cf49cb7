import EventStore
import Identity

/// People, organizations, keys and the audit log.
extension Components {
    static let identity: [(name: String, schema: Schema)] = [
        ("Membership", membership), ("Person", person), ("Caller", caller), ("TokenPair", tokenPair),
        ("Organization", organization), ("Member", member), ("Invitation", invitation), ("NewKey", newKey),
        ("APIKey", key), ("AuditEntry", auditEntry),
    ]

    static let accountName = Schema.line(AccountRules.usernameLength)
    static let emailAddress = Schema.text(3...254).with("pattern", #"^[a-z0-9]+@[a-z0-9]+\.[a-z]+$"#)
    static let password = Schema.text(AccountRules.passwordLength)
    static let token = Schema.text(1...200)
    static let invitable = Schema.choice(Role.invitable.map(\.rawValue))
    private static let role = Schema.choice(Role.self)
    private static let scopes = Schema.array(of: .choice(Scope.self))

    private static let membership = Schema.object([
        .always("id", .uuid), .always("name", .text()), .always("role", role), .always("joined_at", .time),
    ])

    private static let person = Schema.object([
        .always("id", .uuid), .always("username", .text()), .always("email", .text()), .always("created_at", .time),
        .always("organization", .reference("Membership")),
    ])

    private static let caller = Schema.object([
        .always("kind", .choice(["person", "key"])),
        .always("id", .text()),
        .always("organization_id", .uuid),
        .always("scopes", scopes),
        .sometimes("username", .text(), "Of a person, as all that follows."),
        .sometimes("email", .text()),
        .sometimes("created_at", .time),
        .sometimes("role", role),
        .sometimes("organizations", .array(of: .reference("Membership"))),
    ])

    private static let tokenPair = Schema.object([
        .always("access_token", .text(), "A JWT, to be sent as `Authorization: Bearer`."),
        .always("refresh_token", .text(), "Good once."),
        .always("token_type", .constant("Bearer")),
        .always("expires_in", .count, "Seconds that the access token lasts."),
        .always("organization_id", .uuid, "For which it speaks."),
    ])

    private static let organization = Schema.object([
        .always("id", .uuid), .always("name", .text()), .always("created_at", .time), .always("member_count", .count),
    ])

    private static let member = Schema.object([
        .always("person_id", .uuid), .always("username", .text()), .always("email", .text()), .always("role", role),
        .always("joined_at", .time),
    ])

    private static let invitation = Schema.object([
        .always("id", .uuid), .always("email", .text()), .always("role", role),
        .always("invited_by", .text(), "The id of a person or a key."), .always("created_at", .time),
        .always("expires_at", .time), .sometimes("token", .text(), "Shown once, when it is made."),
    ])

    private static let newKey = Schema.order([
        .always("name", .line(1...200)),
        .always("scopes", .array(of: .choice(Scope.ofKeys.map(\.rawValue)), count: 1...Scope.ofKeys.count)),
        .optional("expires_at", .time, "A time to come; without it the key does not expire."),
        .optional(
            "allowed_addresses", .array(of: .choice(["192.0.2.7", "10.0.0.0/8", "2001:db8::/32"]), count: 0...100),
            "Addresses and blocks of addresses, such as these; without any, every address is let in."),
    ])

    private static let key = Schema.object([
        .always("id", .text()), .always("name", .text()), .always("scopes", scopes), .always("created_at", .time),
        .orNull("created_by", .text()), .orNull("expires_at", .time),
        .orNull("last_used_at", .time, "To the minute."), .orNull("revoked_at", .time),
        .orNull("replaced_by", .text(), "The id of the key that it was rotated to."),
        .always("allowed_addresses", .array(of: .text())),
        .sometimes("api_key", .text(), "The key itself, shown once, when it is made."),
    ])

    private static let auditEntry = Schema.object([
        .always("sequence", .count), .always("at", .time),
        .always("actor", .object([.always("kind", .choice(["person", "key", "operator"])), .always("id", .text())])),
        .always("address", .text()), .always("request_id", .text()), .always("action", .text()),
        .always("target", .text()), .always("details", .anyObject),
    ])
}
