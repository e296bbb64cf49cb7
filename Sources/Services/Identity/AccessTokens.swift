import Crypto
public import EventModel
public import EventStore
import JSONTree
import JWTKit
public import Runtime

/// What an access token says.
public struct AccessClaims: Sendable, Equatable {
    /// Who asks.
    public let personID: UniqueID
    /// For which organization.
    public let organizationID: UniqueID
    /// In which session.
    public let sessionID: UniqueID
    /// Until when, in seconds since 1970.
    public let expiresAt: Int64
}

/// Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256 under a key of their own.
///
/// A token is looked at before the library that checks signatures sees it (RFC 8725): at most 8 KiB; three parts, each
/// in canonical Base64url, so that there is one spelling of a token; a header of `alg`, `kid` and `typ` and nothing
/// else, each once; the algorithm and the id of the one key that there is. So a token chooses nothing: neither the
/// algorithm, nor the key, nor an extension that must be understood.
public struct AccessTokens: Sendable {
    /// Longest token that is looked at, in bytes.
    public static let maximumLength = 8_192
    /// How long a token lasts, in seconds.
    public static let lifetimeSeconds: Int64 = 900
    /// Furthest end of a token that is taken, in seconds from now.
    private static let maximumLifetimeSeconds: Int64 = 3_600
    /// How far the clocks of two gateways may lie apart, in seconds.
    private static let clockLeewaySeconds: Int64 = 30

    static let issuer = "collider"
    static let audience = "collider-api"
    private static let algorithm = "HS256"

    /// Id of the key, which says nothing about it.
    let keyID: String
    private let keys: JWTKeyCollection
    private let now: @Sendable () -> Timestamp

    /// Makes tokens of a secret.
    ///
    /// - Parameters:
    ///   - secret: `JWT_SECRET`; the key is derived from it.
    ///   - now: the wall clock, which tests set.
    /// - Throws: ``ConfigurationError`` when there is no secret.
    public init(secret: String?, now: @escaping @Sendable () -> Timestamp = { .now() }) async throws {
        let key = try SymmetricKey(data: DerivedKey.bytes(secret, for: .accessTokens))
        let mark = HMAC<SHA256>.authenticationCode(for: Array("key id".utf8), using: key)
        keyID = mark.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        keys = JWTKeyCollection()
        await keys.add(hmac: HMACKey(key: key), digestAlgorithm: .sha256, kid: JWKIdentifier(string: keyID))
        self.now = now
    }

    /// Signs a token for a session, good for ``lifetimeSeconds``.
    public func sign(_ session: OpenedSession) async throws -> String {
        try await sign(
            AccessClaims(
                personID: session.personID, organizationID: session.organizationID, sessionID: session.id,
                expiresAt: now().microseconds / 1_000_000 + Self.lifetimeSeconds))
    }

    func sign(_ claims: AccessClaims) async throws -> String {
        let payload = TokenPayload(
            iss: Self.issuer, aud: Self.audience, sub: claims.personID.description,
            org: claims.organizationID.description, sid: claims.sessionID.description,
            iat: now().microseconds / 1_000_000, exp: claims.expiresAt)
        let header = JWTHeader(fields: ["typ": .string("JWT")])
        return try await keys.sign(payload, kid: JWKIdentifier(string: keyID), header: header)
    }

    /// What a token says, or nil when it is not one of ours, or over.
    public func verify(_ token: String) async -> AccessClaims? {
        guard isAcceptable(token) else { return nil }
        return (try? await keys.verify(token, as: TokenPayload.self)).flatMap { claims($0) }
    }

    /// Whether a token looks as ours do, its signature aside.
    private func isAcceptable(_ token: String) -> Bool {
        guard token.utf8.count <= Self.maximumLength else { return false }
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Base64URL.decode(parts[0]), let payload = Base64URL.decode(parts[1]),
            Base64URL.decode(parts[2])?.count == SHA256.byteCount
        else { return false }
        // The strict parse refuses what can be read in two ways, such as a key that is there twice.
        guard let head = try? JSONDocument(header), head.root.kind == .object,
            let body = try? JSONDocument(payload), body.root.kind == .object
        else { return false }
        let known = ["alg", "kid", "typ"]
        return head.root.members.allSatisfy { key, _ in known.contains { $0.utf8.elementsEqual(key.utf8) } }
            && head.root["alg"]?.string == Self.algorithm && head.root["kid"]?.string == keyID
            && (head.root["typ"].map { $0.string == "JWT" } ?? true)
    }

    private func claims(_ payload: TokenPayload) -> AccessClaims? {
        let seconds = now().microseconds / 1_000_000
        guard payload.iss == Self.issuer, payload.aud == Self.audience, payload.exp > seconds,
            payload.exp <= seconds + Self.maximumLifetimeSeconds,
            payload.iat <= seconds + Self.clockLeewaySeconds, let person = UniqueID(payload.sub),
            let organization = UniqueID(payload.org), let session = UniqueID(payload.sid)
        else { return nil }
        return AccessClaims(
            personID: person, organizationID: organization, sessionID: session, expiresAt: payload.exp)
    }
}

/// The claims of RFC 7519 §4.1 that are used, the organization (`org`) and the session (`sid`).
private struct TokenPayload: JWTPayload {
    let iss: String
    let aud: String
    let sub: String
    let org: String
    let sid: String
    let iat: Int64
    let exp: Int64

    /// The claims are looked at by whoever asked, under a clock that can be set.
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}
