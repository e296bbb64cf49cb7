import EventModel
import JSONTree
import Testing

@testable import ActionModel

@Suite("REST actions")
struct RestActionTests {
    private func body(_ config: String, _ data: String) throws -> String {
        text(try rest(config).request(for: try firing(data)).body)
    }

    @Test("Without a body, the payload is the firing")
    func standardPayload() throws {
        let request = try rest(#"{"url":"https://example.com/hook"}"#).request(for: try firing(#"{"amount": 5}"#))
        #expect(request.method == "POST")
        #expect(request.url == "https://example.com/hook")
        #expect(request.headers.map(\.0) == ["content-type"])
        #expect(request.headers.map(\.1) == ["application/json"])
        #expect(request.timeoutMilliseconds == 15_000)
        #expect(request.signingSecrets.isEmpty)
        let payload = try JSONDocument(request.body).root
        #expect(payload["type"]?.string == "trigger.fired")
        #expect(payload["timestamp"]?.string == "2026-03-01T08:30:02Z")
        #expect(payload["data"]?["trigger"]?["name"]?.string == "big payments")
        #expect(payload["data"]?["trigger"]?["version"]?.int64 == 7)
        #expect(payload["data"]?["event"]?["data"]?["amount"]?.int64 == 5)
        #expect(payload["data"]?["firing_id"]?.string == UniqueID(high: 2, low: 2).description)
    }

    @Test("In a JSON body a string that is one placeholder keeps the value's type")
    func typedBody() throws {
        let config =
            #"""
            {"url":"https://example.com","body":{"n":"{{amount}}","s":"{{name}}","o":"{{inner}}",\#
            "m":"{{none | default: null}}","t":"is {{amount}}","v":"{{trigger.version}}","k":[1,"{{ok}}"],"plain":1.50}}
            """#
        let data = #"{"amount":12345678901234567890,"name":"A\"b","inner":{"x":[1]},"ok":false}"#
        #expect(
            try body(config, data)
                == #"""
                {"n":12345678901234567890,"s":"A\"b","o":{"x":[1]},"m":null,"t":"is 12345678901234567890","v":7,\#
                "k":[1,false],"plain":1.50}
                """#
        )
    }

    @Test("A body may be written as a string, with placeholders where JSON has values")
    func textualJSONBody() throws {
        let config =
            #"""
            {"url":"https://example.com","body":"{\"n\": {{amount}}, \"q\": \"{{name}}!\",\#
             \"deep\": {\"x\": {{{name}}}}}"}
            """#
        #expect(
            try body(config, #"{"amount":5,"name":"\",\"admin\":true"}"#)
                == #"{"n":5,"q":"\",\"admin\":true!","deep":{"x":"\",\"admin\":true"}}"#)
        #expect(
            problems { _ = try rest(#"{"url":"https://example.com","body":"{\"n\": oops}"}"#) }.first?
                .hasPrefix("/actions/0/config/body: is not JSON") == true)
    }

    @Test("Other bodies are escaped for their media type")
    func otherBodies() throws {
        let form =
            #"""
            {"url":"https://example.com","headers":{"Content-Type":"application/x-www-form-urlencoded"},\#
            "body":"a={{x}}&b=1"}
            """#
        #expect(try body(form, #"{"x":"1&b=2"}"#) == "a=1%26b%3D2&b=1")
        let html =
            #"{"url":"https://example.com","headers":{"Content-Type":"text/html; charset=utf-8"},"body":"<p>{{x}}"}"#
        #expect(try body(html, #"{"x":"<script>"}"#) == "<p>&lt;script&gt;")
        let plain = try rest(#"{"url":"https://example.com","body":"hello {{x}}"}"#).request(
            for: try firing(#"{"x":"<i>"}"#))
        #expect(text(plain.body) == "hello <i>")
        #expect(plain.headers.map(\.1) == ["text/plain; charset=utf-8"])
    }

    @Test("GET has no body, DELETE only its own")
    func methods() throws {
        let get = try rest(#"{"url":"https://example.com","method":"get"}"#).request(for: try firing("{}"))
        #expect(get.method == "GET" && get.body.isEmpty && get.headers.isEmpty)
        #expect(
            try rest(#"{"url":"https://example.com","method":"DELETE"}"#).request(for: try firing("{}")).body.isEmpty)
        #expect(try body(#"{"url":"https://example.com","method":"DELETE","body":{"a":1}}"#, "{}") == #"{"a":1}"#)
        #expect(
            problems { _ = try rest(#"{"url":"https://example.com","method":"GET","body":{}}"#) }
                == ["/actions/0/config/body: a GET request has no body"])
        #expect(problems { _ = try rest(#"{"url":"https://example.com","method":"TRACE"}"#) }.count == 1)
    }

    @Test(
        "An address is http or https with a plain host",
        arguments: [
            "ftp://example.com", "example.com", "https://", "https:///x", "https://user@example.com/",
            "https://user:pass@example.com/", "https://example.com:0/", "https://example.com:70000/",
            "https://example.com:+80/", "https://exa mple.com/", "https://example.com/a b", "https://exämple.com/",
            "https://example.com\\@evil.com/", "https://{{host}}/x", "https://example.{{tld}}/",
            "https://example.com{{x}}",
            "{{url}}", "https://[::1", "https://[zz]/", "https://example.com/\\n", "javascript:alert(1)",
            "http:/example.com",
            "https://example.com/<x>", "https://a:b:c/",
        ])
    func badURL(url: String) throws {
        var writer = JSONWriter()
        writer.object { $0.member("url", url) }
        #expect(problems { _ = try rest(text(writer.bytes)) }.first?.hasPrefix("/actions/0/config/url: ") == true)
    }

    @Test("An event fills a URL behind the host, percent-encoded")
    func renderedURL() throws {
        let action = try rest(#"{"url":"HTTPS://Example.com:8443/u/{{id}}/{{x}}?q={{x}}&r={{{y}}}#f"}"#)
        let data = #"{"x":"a/b?c&d=ü","y":"p/q r\r\nHost: evil"}"#
        #expect(action.origin == "https://example.com:8443")
        #expect(
            try action.request(for: try firing(data)).url
                == "HTTPS://Example.com:8443/u/01900000-0000-7000-8000-000000000001/a%2Fb%3Fc%26d%3D%C3%BC"
                + "?q=a%2Fb%3Fc%26d%3D%C3%BC&r=p/q%20r%0D%0AHost:%20evil#f")
        #expect(try rest(#"{"url":"http://[2001:db8::1]:80/"}"#).origin == "http://[2001:db8::1]:80")
        #expect(try rest(#"{"url":"http://127.0.0.1:9000"}"#).origin == "http://127.0.0.1:9000")
    }

    @Test(
        "A header can't break out of its line or touch the connection",
        arguments: [
            (#"{"X-A":"1\r\nX-B: 2"}"#, "/X-A"), (#"{"X A":"1"}"#, "/X A"), (#"{"":"1"}"#, "/"),
            (#"{"X:":"1"}"#, "/X:"),
            (#"{"Host":"evil"}"#, "/Host"), (#"{"Transfer-Encoding":"chunked"}"#, "/Transfer-Encoding"),
            (#"{"content-length":"5"}"#, "/content-length"), (#"{"Webhook-Signature":"v1,x"}"#, "/Webhook-Signature"),
            (#"{"X":5}"#, "/X"), (#"{"X-A":"1","x-a":"2"}"#, "/x-a"), (#"["a"]"#, ""),
        ])
    func badHeaders(headers: String, place: String) {
        let found = problems { _ = try rest(#"{"url":"https://example.com","headers":\#(headers)}"#) }
        #expect(found.count == 1)
        #expect(found.first?.hasPrefix("/actions/0/config/headers\(place): ") == true, "\(found)")
    }

    @Test("Line breaks that an event brings along stay in the header's value as spaces")
    func renderedHeader() throws {
        let action = try rest(#"{"url":"https://example.com","method":"GET","headers":{"X-Name":"n={{x}}"}}"#)
        let request = try action.request(for: try firing(#"{"x":"a\r\nHost: evil\tü"}"#))
        #expect(request.headers.map(\.1) == ["n=a  Host: evil ü"])
    }

    @Test("A request that an event makes too large can't be rendered")
    func tooLarge() throws {
        let data = #"{"x":"\#(String(repeating: "y", count: 30_000))"}"#
        let event = try firing(data)
        let url = try rest(#"{"url":"https://example.com/{{x}}"}"#)
        #expect(throws: RenderingError.tooLarge(.url, limit: 8192)) { try url.request(for: event) }
        let header = try rest(#"{"url":"https://example.com","headers":{"X":"{{x}}"}}"#)
        #expect(throws: RenderingError.tooLarge(.header, limit: 8192)) { try header.request(for: event) }
        let many = String(repeating: "{{x}}", count: 199)
        let body = try rest(#"{"url":"https://example.com","body":{"a":"\#(many)"}}"#)
        #expect(throws: RenderingError.tooLarge(.body, limit: 4 * 1024 * 1024)) { try body.request(for: event) }
    }

    @Test("Time limits and signing secrets are checked")
    func settings() throws {
        let config = #"{"url":"https://example.com","timeout_ms":99,"signing_secret":"whsec_dG9vIHNob3J0"}"#
        #expect(
            problems { _ = try rest(config) } == [
                "/actions/0/config/timeout_ms: must be an integer from 100 to 60000",
                "/actions/0/config/signing_secret: must be whsec_ and the Base64 of 24 to 64 bytes, "
                    + "or whsk_ and that of an Ed25519 key",
            ])
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let action = try rest(#"{"url":"https://example.com","timeout_ms":60000,"signing_secret":"\#(secret)"}"#)
        #expect(try action.request(for: try firing("{}")).signingSecrets == [secret])
        #expect(SigningSecret.key(of: secret)?.count == 24)
    }
}
