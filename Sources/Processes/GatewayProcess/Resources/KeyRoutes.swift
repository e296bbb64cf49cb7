import ActionModel
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import JSONTree
import Runtime
import TriggerEngine

/// API keys of the organization: create, list, get, rotate, revoke. A key is shown once.
struct KeyRoutes: Sendable {
    /// How long a rotated key works beside its successor: a day, or up to thirty.
    private static let overlapSeconds: Int64 = 86_400
    private static let maximumOverlapSeconds: Int64 = 30 * 86_400
    private static let maximumBlocks = 100

    let keys: KeyStore

    func add(to routes: inout RouteTable) {
        routes.on(.get, "/api/v1/api-keys", scope: .keysRead, use: list)
        routes.on(.post, "/api/v1/api-keys", scope: .keysWrite, use: create)
        routes.on(.get, "/api/v1/api-keys/:id", scope: .keysRead, use: get)
        routes.on(.post, "/api/v1/api-keys/:id/rotate", scope: .keysWrite, use: rotate)
        routes.on(.delete, "/api/v1/api-keys/:id", scope: .keysWrite, use: revoke)
    }

    @Sendable func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try QueryParameters(request, knows: ["cursor", "limit"])
        let limit = try query.limit()
        let found = try await keys.list(
            organizationID: context.authenticated().organizationID, limit: limit + 1, after: query.text("cursor"))
        return .list(Page(found, limit: limit) { $0.id }) { key, body in
            body.object { Self.write(key, to: &$0) }
        }
    }

    @Sendable func get(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let organization = try context.authenticated().organizationID
        guard let key = try await keys.key(try context.pathText("id"), organizationID: organization) else {
            throw Problem.notFound("key of that id")
        }
        return .json { Self.write(key, to: &$0) }
    }

    @Sendable func create(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try context.authenticated()
        let wanted = try await Self.read(request, context)
        try caller.requireScopes(wanted.scopes)
        try await ownKey(of: caller)?.requireNoLess(than: wanted)
        let made = try await keys.create(wanted, by: context.actor(), organizationID: caller.organizationID)
        return try await answer(made, organizationID: caller.organizationID)
    }

    @Sendable func rotate(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try context.authenticated()
        let id = try context.pathText("id")
        var overlap = Self.overlapSeconds
        _ = try QueryParameters(request, knows: [])
        if request.hasBody {
            var reader = try await request.readObject(context)
            overlap = reader.integer("overlap_seconds", in: 0...Self.maximumOverlapSeconds) ?? overlap
            try reader.finish()
        }
        let own = try await ownKey(of: caller)
        let rotated = try await keys.rotate(
            id, overlap: overlap, by: context.actor(), organizationID: caller.organizationID
        ) { request in
            try caller.requireScopes(request.scopes)
            try own?.requireNoLess(than: request)
        }
        guard let made = rotated else { throw Problem.notFound("active key of that id") }
        return try await answer(made, organizationID: caller.organizationID)
    }

    @Sendable func revoke(_ request: Request, _ context: GatewayContext) async throws -> Response {
        _ = try QueryParameters(request, knows: [])
        let caller = try context.authenticated()
        let id = try context.pathText("id")
        let isRevoked = try await keys.revoke(
            id, by: context.actor(), organizationID: caller.organizationID
        ) { try caller.requireScopes($0) }
        guard isRevoked else { throw Problem.notFound("active key of that id") }
        return Response(status: .noContent)
    }

    /// The key that asks, when it is one.
    private func ownKey(of caller: Principal) async throws -> KeyListing? {
        guard caller.person == nil else { return nil }
        return try await keys.key(caller.id, organizationID: caller.organizationID)
    }

    private func answer(_ made: CreatedKey, organizationID: UniqueID) async throws -> Response {
        guard let key = try await keys.key(made.id, organizationID: organizationID) else {
            throw Problem(.internalError, "the key that was just made is gone")
        }
        var headers = HTTPFields.secret
        headers[.location] = "/api/v1/api-keys/\(made.id)"
        return .json(.created, headers: headers) {
            $0.member("api_key", made.plaintext)
            Self.write(key, to: &$0)
        }
    }

    private static func read(_ request: Request, _ context: GatewayContext) async throws -> KeyRequest {
        _ = try QueryParameters(request, knows: [])
        var reader = try await request.readObject(context)
        let name = reader.string("name", required: true, length: 1...200)
        var scopes: Set<Scope> = []
        for (element, pointer) in reader.array("scopes", required: true, count: 1...Scope.ofKeys.count) ?? [] {
            guard let scope = element.string.flatMap({ Scope(rawValue: $0) }), Scope.ofKeys.contains(scope) else {
                let names = Scope.ofKeys.map(\.rawValue).joined(separator: ", ")
                reader.attempt { () throws(JSONValidationError) in
                    throw JSONValidationError(pointer: pointer, detail: "must be one of \(names)")
                }
                continue
            }
            scopes.insert(scope)
        }
        var expiresAt: Timestamp?
        if let text = reader.string("expires_at") {
            expiresAt = Timestamp(rfc3339: text)
            if expiresAt.map({ $0 <= .now() }) ?? true {
                reader.refuse("expires_at", "must be an RFC 3339 time that is to come")
            }
        }
        var blocks: [String] = []
        for (element, pointer) in reader.array("allowed_addresses", count: 0...maximumBlocks) ?? [] {
            guard let text = element.string, AddressBlock(text) != nil else {
                reader.attempt { () throws(JSONValidationError) in
                    throw JSONValidationError(
                        pointer: pointer, detail: "must be an address or a block of them, like 10.0.0.0/8")
                }
                continue
            }
            blocks.append(text)
        }
        try reader.finish()
        return KeyRequest(name: name ?? "", scopes: scopes, expiresAt: expiresAt, allowedAddresses: blocks)
    }

    private static func write(_ key: KeyListing, to body: inout JSONWriter) {
        body.member("id", key.id)
        body.member("name", key.name)
        body.write(key.scopes)
        body.member("created_at", key.createdAt.rfc3339)
        body.member("created_by", key.createdBy)
        body.member("expires_at", key.expiresAt?.rfc3339)
        body.member("last_used_at", key.lastUsedAt?.rfc3339)
        body.member("revoked_at", key.revokedAt?.rfc3339)
        body.member("replaced_by", key.replacedBy)
        body.key("allowed_addresses")
        body.array { list in key.allowedAddresses.forEach { list.string($0) } }
    }
}

extension Principal {
    /// Nobody makes a key that may do more than they may themselves.
    func requireScopes(_ wanted: Set<Scope>) throws {
        let missing = Scope.expand(wanted).subtracting(scopes)
        guard missing.isEmpty else {
            let names = missing.map(\.rawValue).sorted().joined(separator: ", ")
            throw Problem(.forbidden, "the key has rights that you lack: \(names)")
        }
    }
}

extension KeyListing {
    /// A key makes none that outlives it, or that is let in from elsewhere: it would be a way out of its bounds.
    fileprivate func requireNoLess(than wanted: KeyRequest) throws {
        if let expiresAt, wanted.expiresAt.map({ $0 > expiresAt }) ?? true {
            throw Problem(.forbidden, "your key ends at \(expiresAt.rfc3339), and makes none that lasts longer")
        }
        let own = allowedAddresses.compactMap { AddressBlock($0) }
        guard !allowedAddresses.isEmpty else { return }
        let isWithin = wanted.allowedAddresses.allSatisfy { text in
            AddressBlock(text).map { block in own.contains { $0.contains(block) } } ?? false
        }
        guard isWithin, !wanted.allowedAddresses.isEmpty else {
            throw Problem(
                .forbidden, "your key is for \(allowedAddresses.joined(separator: ", ")), and makes none for elsewhere")
        }
    }
}
