import Crypto
import EventModel
import EventStore
import Testing

@testable import Identity

@Suite("Access tokens")
struct AccessTokenTests {
    @Test("What was signed is read again, by the library and by hand")
    func roundTrip() async throws {
        let forge = try await TokenForge()
        #expect(try await forge.tokens.verify(forge.tokens.sign(forge.claims)) == forge.claims)
        #expect(await forge.tokens.verify(forge.token()) == forge.claims)
        let other = try await AccessTokens(secret: String(repeating: "t", count: 32), now: { TokenForge.now })
        #expect(await other.verify(forge.token()) == nil, "under another secret")
    }

    @Test("No algorithm but our own, in no spelling", arguments: ["none", "None", "NONE", "nOnE"])
    func none(spelling: String) async throws {
        let forge = try await TokenForge()
        let header = #"{"alg":"\#(spelling)","typ":"JWT","kid":"\#(forge.tokens.keyID)"}"#
        let signed = forge.token(header: header)
        let unsigned = signed.split(separator: ".").prefix(2).joined(separator: ".") + "."
        for token in [signed, unsigned, unsigned + "AA"] { #expect(await forge.tokens.verify(token) == nil) }
        #expect(await forge.tokens.verify(forge.token()) == forge.claims, "and the next good one is good")
    }

    @Test("A right HMAC under a header that is not ours is nothing")
    func headers() async throws {
        let forge = try await TokenForge()
        let kid = forge.tokens.keyID
        let headers = [
            // HS and RS confused, and other hashes under the same key.
            #"{"alg":"RS256","typ":"JWT","kid":"\#(kid)"}"#, #"{"alg":"HS384","typ":"JWT","kid":"\#(kid)"}"#,
            #"{"alg":"HS512","kid":"\#(kid)"}"#, #"{"alg":"ES256","kid":"\#(kid)"}"#,
            #"{"alg":"hs256","kid":"\#(kid)"}"#,
            #"{"kid":"\#(kid)"}"#, #"{"alg":null,"kid":"\#(kid)"}"#, #"{"alg":["HS256"],"kid":"\#(kid)"}"#,
            // Keys that are not there, and hostile ones.
            #"{"alg":"HS256"}"#, #"{"alg":"HS256","kid":""}"#, #"{"alg":"HS256","kid":"other"}"#,
            #"{"alg":"HS256","kid":"../../../../dev/null"}"#, #"{"alg":"HS256","kid":"' OR 1=1 --"}"#,
            #"{"alg":"HS256","kid":null}"#, #"{"alg":"HS256","kid":["\#(kid)"]}"#,
            #"{"alg":"HS256","kid":"\#(kid)\u0000"}"#, #"{"alg":"HS256","kid":"\#(kid.uppercased())X"}"#,
            // Extensions, and keys that the token brings along.
            #"{"alg":"HS256","kid":"\#(kid)","crit":["exp"]}"#, #"{"alg":"HS256","kid":"\#(kid)","crit":[]}"#,
            #"{"alg":"HS256","kid":"\#(kid)","b64":false,"crit":["b64"]}"#,
            #"{"alg":"HS256","kid":"\#(kid)","jwk":{"kty":"oct","k":"AA"}}"#,
            #"{"alg":"HS256","kid":"\#(kid)","jku":"https://example.com"}"#,
            #"{"alg":"HS256","kid":"\#(kid)","x5u":"https://example.com"}"#,
            #"{"alg":"HS256","kid":"\#(kid)","cty":"JWT"}"#,
            #"{"alg":"HS256","kid":"\#(kid)","typ":"at+jwt"}"#,
            // The same key twice.
            #"{"alg":"HS256","alg":"none","kid":"\#(kid)"}"#, #"{"alg":"none","alg":"HS256","kid":"\#(kid)"}"#,
            #"{"alg":"HS256","kid":"\#(kid)","kid":"other"}"#, #"{"alg":"HS256","\u0061lg":"HS256","kid":"\#(kid)"}"#,
            // No object at all.
            "", "[]", "null", "\"HS256\"", "{", #"{"alg":"HS256","kid":"\#(kid)"} x"#,
        ]
        for header in headers {
            #expect(await forge.tokens.verify(forge.token(header: header)) == nil, "\(header)")
        }
        #expect(await forge.tokens.verify(forge.token()) == forge.claims)
    }

    @Test("A right HMAC over claims that are not ours is nothing")
    func claims() async throws {
        let forge = try await TokenForge()
        let seconds = forge.seconds
        let payloads = [
            forge.payload(issuer: #""other""#), forge.payload(issuer: "null"), forge.payload(audience: #""other""#),
            forge.payload(audience: #"["collider-api","other"]"#), forge.payload(expires: "\(seconds)"),
            forge.payload(expires: "\(seconds - 1)"), forge.payload(expires: "\(seconds + 3_601)"),
            forge.payload(expires: "null"), forge.payload(expires: "9223372036854775807"),
            forge.payload(expires: "1e999"), forge.payload(expires: #""\#(seconds + 900)""#),
            forge.payload(issuedAt: seconds + 3_000), forge.payload(more: #","exp":\#(seconds + 900)"#),
            forge.payload(more: #","sub":"\#(UniqueID(high: 9, low: 9))""#), "{}", "[]", "null", "",
            forge.payload().replacing("\(forge.person)", with: "x"),
            forge.payload().replacing(#""iss":"collider","#, with: ""),
            forge.payload().replacing(#""aud":"collider-api","#, with: ""),
        ]
        for payload in payloads {
            #expect(await forge.tokens.verify(forge.token(payload: payload)) == nil, "\(payload)")
        }
        #expect(await forge.tokens.verify(forge.token()) == forge.claims)
    }

    @Test("Neither an empty key, nor the secret itself, nor one of another purpose signs a token")
    func keys() async throws {
        let forge = try await TokenForge()
        let others = [
            [], Array(TokenForge.secret.utf8), Array(forge.tokens.keyID.utf8),
            try DerivedKey.bytes(TokenForge.secret, for: .apiKeys),
            try DerivedKey.bytes(TokenForge.secret, for: .opaqueTokens),
        ]
        for key in others { #expect(await forge.tokens.verify(forge.token(key: key)) == nil) }
    }

    @Test("A token has one spelling, three parts and 8 KiB at most")
    func spellings() async throws {
        let forge = try await TokenForge()
        let token = forge.token()
        let parts = token.split(separator: ".").map(String.init)
        let long = forge.token(payload: forge.payload(more: #","x":"\#(String(repeating: "x", count: 8_192))""#))
        // The last digit of 32 bytes has two bits to spare; a decoder that ignores them takes four spellings.
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let others = digits.map { token.dropLast() + String($0) }.filter { $0 != token }
        let wrong =
            [
                token + ".", "." + token, token + "=", token + " ", " " + token, parts[0] + "." + parts[1],
                parts.joined(separator: "..") + "", "", ".", "..", "...", parts[0] + ".." + parts[2],
                "\(parts[0])=.\(parts[1]).\(parts[2])", token.replacing("-", with: "+").replacing("_", with: "/") + "+",
                long,
            ] + others.map { String($0) }
        for text in wrong { #expect(await forge.tokens.verify(text) == nil, "\(text)") }
        #expect(await forge.tokens.verify(token) == forge.claims)
    }

    @Test("Of 100,000 mutated tokens none is taken, and the good one is good after each thousand")
    func mutations() async throws {
        let forge = try await TokenForge()
        let token = Array(forge.token().utf8)
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/".utf8)
        var random = SystemRandomNumberGenerator()
        var accepted = 0
        for number in 1...100_000 {
            var mutated = token
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<mutated.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: mutated[place] = digits.randomElement(using: &random) ?? 0
                case 1: mutated.remove(at: place)
                case 2: mutated.insert(digits.randomElement(using: &random) ?? 0, at: place)
                case 3: mutated[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                default: mutated.swapAt(place, Int.random(in: 0..<mutated.count, using: &random))
                }
            }
            if mutated != token, await forge.tokens.verify(String(decoding: mutated, as: UTF8.self)) != nil {
                accepted += 1
            }
            if number.isMultiple(of: 1_000), await forge.tokens.verify(forge.token()) != forge.claims {
                Issue.record("the good token is no longer taken after \(number) others")
                return
            }
        }
        #expect(accepted == 0)
    }
}
