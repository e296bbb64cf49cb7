import Crypto
import EventModel
import EventStore
import Runtime

@testable import Identity

/// Makes tokens that are nearly right.
struct TokenForge {
    static let secret = String(repeating: "s", count: 32)
    static let now = Timestamp(milliseconds: 1_800_000_000_000)

    let tokens: AccessTokens
    let key: [UInt8]
    let person = UniqueID(high: 1, low: 2)
    let organization = UniqueID(high: 3, low: 4)
    let session = UniqueID(high: 5, low: 6)

    init() async throws {
        tokens = try await AccessTokens(secret: Self.secret, now: { Self.now })
        key = try DerivedKey.bytes(Self.secret, for: .accessTokens)
    }

    var seconds: Int64 { Self.now.microseconds / 1_000_000 }
    var header: String { #"{"alg":"HS256","typ":"JWT","kid":"\#(tokens.keyID)"}"# }
    var claims: AccessClaims {
        AccessClaims(personID: person, organizationID: organization, sessionID: session, expiresAt: seconds + 900)
    }

    func payload(
        issuer: String = #""collider""#, audience: String = #""collider-api""#, issuedAt: Int64? = nil,
        expires: String? = nil, more: String = ""
    ) -> String {
        """
        {"iss":\(issuer),"aud":\(audience),"sub":"\(person)","org":"\(organization)","sid":"\(session)",\
        "iat":\(issuedAt ?? seconds),"exp":\(expires ?? "\(seconds + 900)")\(more)}
        """
    }

    /// A token with a right HMAC-SHA-256 over whatever it says.
    func token(header: String? = nil, payload: String? = nil, key: [UInt8]? = nil) -> String {
        let text = Self.encode(header ?? self.header) + "." + Self.encode(payload ?? self.payload())
        let mark = HMAC<SHA256>.authenticationCode(
            for: Array(text.utf8), using: SymmetricKey(data: key ?? self.key))
        return text + "." + Self.encode(Array(mark))
    }

    static func encode(_ text: String) -> String { encode(Array(text.utf8)) }

    static func encode(_ bytes: [UInt8]) -> String {
        let text = Base64.encode(bytes).utf8.filter { $0 != UInt8(ascii: "=") }.map { byte in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: byte
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
