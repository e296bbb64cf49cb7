import JSONTree
import Testing

@testable import ActionModel

@Suite("Slack actions")
struct SlackActionTests {
    private static let webhook = "https://hooks.slack.com/services/T000/B000/s3cret"

    private func message(_ members: String, _ data: String) throws -> JSONValue {
        let action = try slack(#"{"webhook_url":"\#(Self.webhook)",\#(members)}"#)
        return try JSONDocument(try action.request(for: try firing(data)).body).root
    }

    @Test("Values are escaped, so that none becomes a link or calls a channel")
    func text() throws {
        let data = #"{"x":"<!channel> & <https://evil.example|here>"}"#
        #expect(
            try message(#""text":"*New* {{x}}""#, data)
                == json(#"{"text":"*New* &lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;"}"#))
    }

    @Test("Blocks are escaped for what each text is, and stay strings")
    func blocks() throws {
        let blocks = #"""
            "blocks":[{"type":"header","text":{"type":"plain_text","text":"{{x}}"}},\#
            {"type":"section","text":{"type":"mrkdwn","text":"{{x}}"},\#
            "accessory":{"type":"button","url":"https://example.com/{{x}}","value":"{{n}}"}},\#
            {"type":"image","image_url":"https://example.com/{{x}}","alt_text":"n"}]
            """#
        let message = try message(blocks, #"{"x":"a <b>","n":5}"#)
        let found = try #require(message["blocks"])
        #expect(found[0]?["text"]?["text"]?.string == "a <b>")
        #expect(found[1]?["text"]?["text"]?.string == "a &lt;b&gt;")
        #expect(found[1]?["accessory"]?["url"]?.string == "https://example.com/a%20%3Cb%3E")
        #expect(found[1]?["accessory"]?["value"]?.string == "5")
        #expect(found[2]?["image_url"]?.string == "https://example.com/a%20%3Cb%3E")
        #expect(message["text"] == nil)
    }

    @Test(
        "Settings are checked",
        arguments: [
            (#"{"text":"x"}"#, "/webhook_url"), (#"{"webhook_url":"ftp://a","text":"x"}"#, "/webhook_url"),
            (#"{"webhook_url":"https://a/{{x}}","text":"x"}"#, "/webhook_url"),
            (#"{"webhook_url":"https://a/b"}"#, "/text"), (#"{"webhook_url":"https://a/b","blocks":[]}"#, "/blocks"),
            (#"{"webhook_url":"https://a/b","blocks":{}}"#, "/blocks"),
            (#"{"webhook_url":"https://a/b","text":"{{x"}"#, "/text"),
            (#"{"webhook_url":"https://a/b","blocks":[{"text":"{{"}]}"#, "/blocks/0/text"),
            (#"{"webhook_url":"https://a/••••","text":"x"}"#, "/webhook_url"),
            (#"{"webhook_url":"https://a/b","text":"x","channel":"c"}"#, "/channel"),
        ])
    func settings(config: String, place: String) {
        let found = problems { _ = try slack(config) }
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("/actions/0/config\(place): ") == true, "\(found)")
    }

    @Test("A masked address keeps the stored one of the same host")
    func masks() throws {
        let stored = try action(#"{"type":"slack","config":{"webhook_url":"\#(Self.webhook)","text":"x"}}"#)
        let masked = #"{"type":"slack","config":{"webhook_url":"https://hooks.slack.com/••••","text":"y"}}"#
        #expect(try action(masked, from: stored).written(.plain).contains(Self.webhook))
        let other = #"{"type":"slack","config":{"webhook_url":"https://evil.example/••••","text":"y"}}"#
        #expect(problems { _ = try action(other, from: stored) }.count == 1)
    }

    @Test("A message of nothing is not sent")
    func empty() {
        #expect(throws: RenderingError.invalid(.text, "is empty")) { try message(#""text":"{{x}}""#, #"{"x":""}"#) }
    }
}
