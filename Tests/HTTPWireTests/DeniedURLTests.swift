import HTTPWire
import TestKit
import Testing

@Suite("No URL gets a restricted client to a denied address")
struct DeniedURLTests {
    /// Hosts as an attacker writes them; each leads to this machine, or to one that is nobody's business.
    static let hosts = [
        // Loopback in all notations that resolvers know: short, decimal, octal, hexadecimal, mixed, padded.
        "127.0.0.1", "127.1", "127.0.1", "127.127.127.127", "2130706433", "017700000001", "0x7f000001", "0x7F.1",
        "0x7f.1", "0x7f.0.0.1", "0177.0.0.1", "0177.1", "0x7f.0x0.0x0.0x1", "0177.0.0.01", "127.0x1", "127.0.0.0x1",
        "0x7f.0.1",
        "00000177.0.0.1", "0x0000007f.1", "127.00.00.01", "%31%32%37.0.0.1", "127%2e0%2e0%2e1",
        // The unspecified address, which connects to this machine.
        "0.0.0.0", "0", "0x0", "00", "0.0", "0.0.0", "[::]", "[0:0:0:0:0:0:0:0]", "[::0.0.0.0]",
        // The name.
        "localhost", "LOCALHOST", "LocalHost", "foo.localhost", "%6cocalhost",
        // Version 6, and version 4 within it.
        "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:1]", "[::FFFF:7F00:0001]", "[::127.0.0.1]", "[::7f00:1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]",
        "[fd00:ec2::254]", "[ff02::1]", "[fec0::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]",
        // Private networks, carriers, link-local, metadata.
        "10.0.0.1", "10.1", "167772161", "0xa000001", "012.0.0.1", "172.16.0.1", "172.31.255.254", "2886729729",
        "192.168.0.1", "192.168.1", "3232235521", "0xc0a80001", "100.64.0.1", "100.127.255.254", "169.254.169.254",
        "2852039166",
        "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "169.16689662", "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]", "100.100.100.200", "192.0.0.192", "168.63.129.16",
        // Everything else that is not for connecting.
        "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
        "255.255.255.255", "4294967295", "0xffffffff", "192.88.99.1",
        // More spellings: trailing dots, many leading zeros, octal in the middle, overlong numbers, encoded letters.
        "127.000000000001", "0x00000000000000007f000001", "0177.0x0.0.1",
        "%30x7f.1", "127.0.0%2e1", "%6c%6f%63%61%6c%68%6f%73%74", "loc%61lhost", "0x7F000001", "127.0.00000.1",
        "[::ffff:127.0.0.1%25lo]", "[0:0:0:0:0:FFFF:127.0.0.1]", "[::ffff:0x7f.0.0.1]", "[::1%25eth0]", "[::2]",
        "[0::1]", "[::0001]", "[::ffff:0:127.0.0.1]", "[::ffff:0:7f00:1]", "[2002:a00:1::1]", "[2002:a9fe:a9fe::]",
        "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[fe80::5efe:7f00:1]", "[fd00::1]", "[fdff:ffff::1]",
        "[ff01::1]", "[ff05::1:3]", "[4000::1]", "[e000::1]", "[2001::1]", "[2001:10::1]", "[2620:4f:8000::1]",
        "0xa9.0xfe.0xa9.0xfe", "0xA9FEA9FE", "025177524776", "169.254.0xa9fe", "0x0a.0.0.1", "0300.0250.0.1",
        "0xac.0x10.0.1", "100.64.1", "192.0.0.8", "192.31.196.1", "192.52.193.1", "192.175.48.1", "233.252.0.1",
        "0.1.2.3", "00000000", "0x00000000", "127.65535", "127.0.65535", "127.255.255.254", "0x7fffffff",
        "10.255.255.255", "172.20.10.2", "192.168.255.255", "169.254.0.1", "169.254.170.2", "198.19.255.255",
        "[fc00:1234::1]", "[febf::1]", "[ff0e::1]", "[2001:db8:ffff::1]", "[::ffff:10.0.0.1]", "[::ffff:c0a8:1]",
    ]

    /// Hosts that some resolvers take for this machine, and others for a name that there is not.
    static let doubtful = [
        "127.0.0.1.", "localhost.", "0x7f000001.", "0177777777777", "127.0.0.1.localhost", "a.localhost.", "127..1",
        "0x7f.0.0.0x1.", "256.0.0.1", "127.0.0.256", "4294967296", "0x100000000", "loopback", "ip6-localhost",
        "ip6-loopback", "local", "127.0.0.1.invalid", "metadata", "metadata.google.internal",
    ]

    @Test("A doubtful host gets no socket, whatever it is taken for", arguments: doubtful)
    func doubtfulHostsGetNoSocket(_ host: String) async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { server in
            let client = HTTPClient(policy: .publicInternet())
            var request = HTTPRequest("GET", "http://\(host):\(server.port)/")
            request.timeout = .seconds(5)
            let error = await #expect(throws: HTTPError.self) { try await client.send(request) }
            let codes: [HTTPError.Code] = [.deniedAddress, .invalidRequest, .resolution, .timeout]
            #expect(error.map { codes.contains($0.code) } == true, "\(String(describing: error))")
            #expect(client.openedSockets == 0 && server.connections == 0)
        }
    }

    @Test("There are at least 150 of them")
    func casesAreMany() {
        #expect(Set(Self.hosts).count + Set(Self.confusing).count >= 200)
        #expect(Set(Self.hosts).count >= 150)
    }

    @Test("A denied host gets no socket, however it is spelt", arguments: hosts)
    func deniedHostsGetNoSocket(_ host: String) async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { server in
            let client = HTTPClient(policy: .publicInternet())
            let error = await #expect(throws: HTTPError.self) {
                try await client.send(HTTPRequest("GET", "http://\(host):\(server.port)/"))
            }
            #expect(error?.code == .deniedAddress || error?.code == .invalidRequest, "\(String(describing: error))")
            #expect(client.openedSockets == 0)
            #expect(server.connections == 0)
        }
    }

    /// URLs that two parsers read in two ways.
    static let confusing = [
        "http://foo@127.0.0.1:PORT/", "http://foo:bar@127.0.0.1:PORT/", "http://127.0.0.1:PORT@127.0.0.2/",
        "http://@127.0.0.1:PORT/", "http://:@127.0.0.1:PORT/", "http:\\\\127.0.0.1:PORT/", "http:/127.0.0.1:PORT/",
        "http:127.0.0.1:PORT/", "http:///127.0.0.1:PORT/", "http://127.0.0.1:PORT\\@127.0.0.2/", "//127.0.0.1:PORT/",
        "http://127.0.0.1:PORT#@127.0.0.2/", "http://127.0.0.1:PORT?@127.0.0.2/", "http://127.0.0.1 :PORT/",
        "http://127.0.0.1:PORT /", "http://127.0.0.1:0PORT/", "http://①②⑦.⓪.⓪.①:PORT/", "http://１２７.0.0.1:PORT/",
        "http://127。0。0。1:PORT/", "http://127.0.0.1\u{0}.invalid:PORT/", "http://127.0.0.1\r\nX: y:PORT/",
        "http://[127.0.0.1]:PORT/", "http://[::1:PORT/", "http://::1:PORT/", "http://[::1]]:PORT/",
        "http://[::1%00]:PORT/", "HTTP://127.0.0.1:PORT/", "hTTp://LOCALHOST:PORT/", "127.0.0.1:PORT/",
        "localhost:PORT/",
        "http://127.0.0.1:PORT:80/", "http://127.0.0.1:99999/", "http://", "http:", "", "http://?", "http://:PORT/",
        "ftp://127.0.0.1:PORT/", "file:///etc/passwd", "gopher://127.0.0.1:PORT/_x", "dict://127.0.0.1:PORT/x",
        "smtp://127.0.0.1:PORT/", "telnet://127.0.0.1:PORT/", "ldap://127.0.0.1:PORT/", "scp://127.0.0.1:PORT/",
        "javascript:alert(1)", "data:text/plain,x", "unix:///var/run/docker.sock", "ws://127.0.0.1:PORT/",
        "https://127.0.0.1:PORT/", "https://localhost:PORT/", "https://[::1]:PORT/",
    ]

    @Test("A confusing URL gets no socket", arguments: confusing)
    func confusingURLsGetNoSocket(_ url: String) async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { server in
            let client = HTTPClient(policy: .publicInternet())
            let error = await #expect(throws: HTTPError.self) {
                try await client.send(HTTPRequest("GET", url.replacing("PORT", with: "\(server.port)")))
            }
            #expect(error?.code == .deniedAddress || error?.code == .invalidRequest, "\(String(describing: error))")
            #expect(client.openedSockets == 0)
            #expect(server.connections == 0)
        }
    }

    @Test(
        "Other schemes are refused without any policy too",
        arguments: confusing.filter { !$0.lowercased().contains("http") })
    func otherSchemesAreRefused(_ url: String) async throws {
        let client = HTTPClient(policy: .unrestricted)
        // Without a scheme libcurl takes http; an unrestricted client would have reached port 1, where nobody is.
        let error = await #expect(throws: HTTPError.self) {
            try await client.send(HTTPRequest("GET", url.replacing("PORT", with: "1")))
        }
        #expect(error?.code == .invalidRequest)
        #expect(client.openedSockets == 0)
    }

    @Test("A name whose address changes between two requests is judged anew at the second")
    func reboundNamesAreDenied() async throws {
        let allowed = try #require(AddressBlock("127.0.0.2"))
        let client = HTTPClient(policy: .publicInternet(besides: [allowed]))
        try await withLoopbackServer(
            address: "127.0.0.2", { $0.answerAll { _ in httpAnswer(headers: ["connection: close"]) } }
        ) { decent in
            try await withLoopbackServer(
                address: "127.0.0.3", port: decent.port, { $0.answerAll { _ in httpAnswer() } }
            ) { inner in
                var request = HTTPRequest("GET", "http://rebinding.invalid:\(decent.port)/")
                request.resolutions = ["rebinding.invalid:\(decent.port):127.0.0.2"]
                let response = try await client.send(request)
                #expect(response.status == 200)
                request.resolutions = [
                    "-rebinding.invalid:\(decent.port)", "rebinding.invalid:\(decent.port):127.0.0.3",
                ]
                let error = await #expect(throws: HTTPError.self) { try await client.send(request) }
                #expect(error?.code == .deniedAddress)
                #expect(client.openedSockets == 1)
                #expect(inner.connections == 0)
            }
        }
    }

    @Test(
        "Of several addresses only the allowed ones are connected to, in any order",
        arguments: [
            "127.0.0.3,127.0.0.2", "127.0.0.2,127.0.0.3", "10.0.0.1,[::1],127.0.0.2", "[::ffff:7f00:3],127.0.0.2",
            "169.254.169.254,127.0.0.2", "0.0.0.0,127.0.0.2", "[::],[fe80::1],[fd00:ec2::254],127.0.0.2",
        ])
    func mixedAnswersReachOnlyAllowed(_ addresses: String) async throws {
        let allowed = try #require(AddressBlock("127.0.0.2"))
        try await withLoopbackServer(address: "127.0.0.2", { $0.answerAll { _ in httpAnswer() } }) { decent in
            try await withLoopbackServer(
                address: "127.0.0.3", port: decent.port, { $0.answerAll { _ in httpAnswer() } }
            ) { inner in
                let client = HTTPClient(policy: .publicInternet(besides: [allowed]))
                var request = HTTPRequest("GET", "http://mixed.invalid:\(decent.port)/")
                request.resolutions = ["mixed.invalid:\(decent.port):\(addresses)"]
                let response = try await client.send(request)
                #expect(response.status == 200)
                #expect(decent.connections == 1)
                #expect(inner.connections == 0)
                #expect(client.openedSockets == 1)
            }
        }
    }

    @Test(
        "A name whose answers are all denied gets no socket",
        arguments: [
            "127.0.0.1", "10.0.0.1,192.168.0.1,172.16.0.1", "[::1],127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0",
            "169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[2002:7f00:1::],[2001:0:7f00:1::]",
        ])
    func namesOfDeniedAddressesAreDenied(_ addresses: String) async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { server in
            let client = HTTPClient(policy: .publicInternet())
            var request = HTTPRequest("GET", "http://inner.invalid:\(server.port)/")
            request.resolutions = ["inner.invalid:\(server.port):\(addresses)"]
            let error = await #expect(throws: HTTPError.self) { try await client.send(request) }
            #expect(error?.code == .deniedAddress, "\(String(describing: error))")
            #expect(client.openedSockets == 0 && server.connections == 0)
        }
    }

    @Test("A name that goes back and forth between a public and an inner address reaches only the public one")
    func reboundNamesAreJudgedEachTime() async throws {
        let allowed = try #require(AddressBlock("127.0.0.2"))
        let client = HTTPClient(policy: .publicInternet(besides: [allowed]))
        let close: @Sendable (LoopbackConnection) -> Void = {
            $0.answerAll { _ in httpAnswer(headers: ["connection: close"]) }
        }
        try await withLoopbackServer(address: "127.0.0.2", close) { decent in
            try await withLoopbackServer(address: "127.0.0.3", port: decent.port, close) { inner in
                let name = "rebinding.invalid:\(decent.port)"
                for round in 0..<20 {
                    let address = round.isMultiple(of: 2) ? "127.0.0.2" : "127.0.0.3"
                    var request = HTTPRequest("GET", "http://\(name)/")
                    request.resolutions = ["-\(name)", "\(name):\(address)"]
                    let response = try? await client.send(request)
                    #expect((response?.status == 200) == round.isMultiple(of: 2))
                }
                #expect(decent.connections == 10 && inner.connections == 0 && client.openedSockets == 10)
            }
        }
    }

    @Test("A redirect to a denied address is a response, and nobody follows it")
    func redirectsAreNotFollowed() async throws {
        let allowed = try #require(AddressBlock("127.0.0.2"))
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { inner in
            try await withLoopbackServer(
                address: "127.0.0.2",
                { connection in
                    connection.answerAll { _ in httpAnswer(302, headers: ["location: http://127.0.0.1:\(inner.port)/"])
                    }
                }
            ) { decent in
                let client = HTTPClient(policy: .publicInternet(besides: [allowed]))
                let response = try await client.send(HTTPRequest("GET", "http://127.0.0.2:\(decent.port)/"))
                #expect(response.status == 302)
                #expect(response.header("location") == "http://127.0.0.1:\(inner.port)/")
                #expect(inner.connections == 0)
            }
        }
    }

    @Test("The pooled connection of a client that may is no way in for one that may not")
    func poolsAreSeparate() async throws {
        try await withLoopbackServer({ $0.answerAll { _ in httpAnswer() } }) { server in
            let trusted = HTTPClient(policy: .unrestricted)
            let restricted = HTTPClient(policy: .publicInternet())
            let request = HTTPRequest("GET", "http://127.0.0.1:\(server.port)/")
            let first = try await trusted.send(request)
            #expect(first.status == 200)
            let error = await #expect(throws: HTTPError.self) { try await restricted.send(request) }
            #expect(error?.code == .deniedAddress)
            let second = try await trusted.send(request)
            #expect(second.status == 200)
            #expect(server.connections == 1)
        }
    }
}
