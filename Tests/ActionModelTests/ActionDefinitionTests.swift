import JSONTree
import Testing

@testable import ActionModel

@Suite("Action definitions")
struct ActionDefinitionTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    @Test("Everything that is wrong is said at once, with its place")
    func allProblems() {
        let found = problems {
            _ = try action(
                #"""
                {"type":"rest","config":{"url":"x","timeout_ms":"5"},"retry":{"max_attempts":0,\#
                "schedule":["1x"]},"rate_limit":5,"confg":{}}
                """#
            )
        }
        #expect(
            found.map { String($0.prefix { $0 != ":" }) } == [
                "/actions/0/config/url", "/actions/0/config/timeout_ms", "/actions/0/retry/max_attempts",
                "/actions/0/retry/schedule/0", "/actions/0/rate_limit", "/actions/0/confg",
            ])
        #expect(found.contains("/actions/0/rate_limit: must be an object"))
    }

    @Test("Kinds that don't exist yet are refused as such", arguments: ["llm", "mcp"])
    func laterKinds(kind: String) {
        let found = problems { _ = try action(#"{"type":"\#(kind)","config":{}}"#) }
        #expect(
            found == [
                "/actions/0/type: the action type \(kind) arrives with a later version; "
                    + "rest, telegram and emit are here"
            ])
    }

    @Test(
        "What is no action is refused",
        arguments: ["5", "[]", "{}", #"{"type":"fax","config":{}}"#, #"{"type":"rest"}"#])
    func noAction(text: String) {
        #expect(!problems { _ = try action(text) }.isEmpty)
    }

    @Test(
        "A stored definition reads back as the same",
        arguments: [
            #"""
            {"type":"rest","config":{"url":"https://example.com/{{id}}","method":"PUT",\#
            "headers":{"Authorization":"Bearer x","X-B":"{{type}}"},"body":{"a":"{{x}}","b":[1.50]},\#
            "timeout_ms":500,"signing_secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},\#
            "retry":{"max_attempts":3,"schedule":["100ms","1m"]}}
            """#,
            #"""
            {"type":"telegram","config":{"bot_token":"1:a","chat_id":"@c","text":"{{x}}","parse_mode":"HTML",\#
            "disable_notification":true}}
            """#,
            #"{"type":"telegram","config":{"bot_token":"1:a","chat_id":-5,"text":"x"}}"#,
        ])
    func roundTrip(text: String) throws {
        #expect(try action(text).written(.plain) == text)
    }

    @Test("Secrets are hidden from the API")
    func masks() throws {
        let rest = try action(
            #"""
            {"type":"rest","config":{"url":"https://a.com","headers":{"Authorization":"Bearer s3cret",\#
            "X-Api-Key":"s3cret","X-My-Token":"s3cret","Client-Secret":"s3cret","X-Plain":"seen"},\#
            "signing_secret":"\#(Self.secret)"}}
            """#
        )
        let shown = rest.written(.masked)
        #expect(!shown.contains("s3cret") && !shown.contains("MfKQ"))
        #expect(shown.contains(#""signing_secret":"whsec_••••""#))
        #expect(shown.contains(#""Authorization":"••••""#))
        #expect(shown.contains(#""X-Plain":"seen""#))
        let telegram = try action(#"{"type":"telegram","config":{"bot_token":"123456:ABC","chat_id":1,"text":"x"}}"#)
        #expect(telegram.written(.masked).contains(#""bot_token":"123456:••••""#))
    }

    @Test("A masked secret that comes back keeps the stored one")
    func keptSecrets() throws {
        let rest = try action(
            #"""
            {"type":"rest","config":{"url":"https://a.com/1","headers":{"Authorization":"Bearer s"},\#
            "signing_secret":"\#(Self.secret)"}}
            """#
        )
        #expect(try action(rest.written(.masked), from: rest).written(.plain) == rest.written(.plain))
        let telegram = try action(#"{"type":"telegram","config":{"bot_token":"123456:ABC","chat_id":1,"text":"x"}}"#)
        #expect(try action(telegram.written(.masked), from: telegram).written(.plain) == telegram.written(.plain))
        #expect(problems { _ = try action(rest.written(.masked)) }.count == 2)
        #expect(problems { _ = try action(telegram.written(.masked)) }.count == 1)
        let other = try action(#"{"type":"telegram","config":{"bot_token":"99:ABC","chat_id":1,"text":"x"}}"#)
        #expect(problems { _ = try action(telegram.written(.masked), from: other) }.count == 1)
    }

    @Test("A stored secret doesn't follow its action to another host")
    func secretsStayWithTheirHost() throws {
        let rest = try action(
            #"{"type":"rest","config":{"url":"https://a.com/1","headers":{"Authorization":"Bearer s"}}}"#)
        let path = rest.written(.masked).replacing("a.com/1", with: "a.com/2")
        #expect(try action(path, from: rest).written(.plain).contains("Bearer s"))
        let host = rest.written(.masked).replacing("a.com", with: "evil.com")
        #expect(problems { _ = try action(host, from: rest) }.count == 1)
    }
}
