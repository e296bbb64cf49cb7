import EventStore
import JSONTree
import Testing

@Suite("Versions of triggers")
struct TriggerVersionTests {
    private static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let otherSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"

    static func trigger(_ name: String, over amount: Int, secret: String = secret, more: String = "") -> String {
        """
        {"name": "\(name)", "condition": {"field": "data.amount", "operator": "gt", "value": \(amount)}\(more),
         "actions": [{"type": "rest", "config": {"url": "https://example.com/hook", "signing_secret": "\(secret)"}}]}
        """
    }

    /// A trigger of three versions: over 100, over 200, over 200 with another secret.
    private func withThreeVersions(_ body: @Sendable (HTTPExchange, _ path: String) async throws -> Void) async throws {
        try await withGateway { api in
            let made = try await api.send("POST", "/api/v1/triggers", Self.trigger("big", over: 100))
            let path = "/api/v1/triggers/\(try #require(try made.json["id"]?.string))"
            #expect(try await api.send("PUT", path, Self.trigger("big", over: 200)).status == 200)
            let third = Self.trigger("big", over: 200, secret: Self.otherSecret)
            #expect(try await api.send("PUT", path, third).status == 200)
            try await body(api, path)
        }
    }

    @Test func `versions are listed newest first, page by page, each as it was`() async throws {
        try await withThreeVersions { api, path in
            let first = try await api.send("GET", "\(path)/versions?limit=2").json
            #expect(first["data"]?.elements.compactMap { $0["version"]?.int64 } == [3, 2])
            #expect(first["data"]?[0]?["role"]?.string == "live" && first["data"]?[1]?["role"]?.isNull == true)
            let cursor = try #require(first["next_cursor"]?.string)
            let second = try await api.send("GET", "\(path)/versions?limit=2&cursor=\(cursor)").json
            #expect(second["data"]?.elements.compactMap { $0["version"]?.int64 } == [1])
            #expect(second["next_cursor"]?.isNull == true)
            let one = try await api.send("GET", "\(path)/versions/1").json
            #expect(one["trigger"]?["condition"]?["value"]?.int64 == 100 && one["version"]?.int64 == 1)
        }
    }

    @Test func `what is no version is not found`() async throws {
        try await withThreeVersions { api, path in
            for version in ["4", "0", "-1", "x", "99999999999"] {
                try expectProblem(try await api.send("GET", "\(path)/versions/\(version)"), 404, "not-found")
            }
            try expectProblem(try await api.send("POST", "\(path)/versions/9/rollback"), 404, "not-found")
            try expectProblem(try await api.send("GET", "\(path)/versions/1/diff/9"), 404, "not-found")
            let nobody = "/api/v1/triggers/018f0000-0000-7000-8000-000000000000"
            try expectProblem(try await api.send("GET", "\(nobody)/versions"), 404, "not-found")
            try expectProblem(try await api.send("GET", "\(path)/versions?cursor=x"), 400, "invalid-parameter")
        }
    }

    @Test func `a difference names the place and both values`() async throws {
        try await withThreeVersions { api, path in
            let diff = try await api.send("GET", "\(path)/versions/1/diff/2").json
            #expect(diff["from"]?.int64 == 1 && diff["to"]?.int64 == 2 && diff["changes"]?.count == 1)
            let change = try #require(diff["changes"]?[0])
            #expect(change["path"]?.string == "/condition/value")
            #expect(change["before"]?.int64 == 100 && change["after"]?.int64 == 200)
            let same = try await api.send("GET", "\(path)/versions/2/diff/2").json
            #expect(same["changes"]?.count == 0)
        }
    }

    @Test func `a secret that was changed is told and not shown, in any answer`() async throws {
        try await withThreeVersions { api, path in
            let diff = try await api.send("GET", "\(path)/versions/2/diff/3")
            #expect(try diff.json["changes"]?[0]?["path"]?.string == "/actions/0/config/signing_secret")
            let answers = [
                diff, try await api.send("GET", "\(path)/versions"), try await api.send("GET", "\(path)/versions/1"),
                try await api.send("POST", "\(path)/versions/1/rollback"),
            ]
            for answer in answers {
                #expect(answer.status == 200 && !answer.text.contains("MfKQ9r8G") && !answer.text.contains("C2FVsBQI"))
            }
        }
    }

    @Test func `a rollback makes a new version that says the same, secrets included`() async throws {
        try await withThreeVersions { api, path in
            let back = try await api.send("POST", "\(path)/versions/1/rollback").json
            #expect(back["version"]?.int64 == 4 && back["condition"]?["value"]?.int64 == 100)
            #expect(try await api.send("GET", "\(path)/versions/1/diff/4").json["changes"]?.count == 0)
            let again = try await api.send("POST", "\(path)/versions/1/rollback").json
            #expect(again["version"]?.int64 == 4)
        }
    }

    @Test func `a patch changes members, keeps the others and the secrets, and makes a version`() async throws {
        try await withThreeVersions { api, path in
            let off = try await api.send("PATCH", path, #"{"enabled": false}"#)
            #expect(off.status == 200, "\(off.text)")
            #expect(try off.json["enabled"]?.bool == false && off.json["version"]?.int64 == 4)
            let patch = #"{"enabled": true, "description": "x", "condition": {"value": 300}}"#
            let changed = try await api.send(
                "PATCH", path, patch, headers: [("content-type", "application/merge-patch+json")]
            ).json
            #expect(changed["condition"]?["value"]?.int64 == 300 && changed["description"]?.string == "x")
            #expect(changed["condition"]?["field"]?.string == "data.amount")
            let cleared = try await api.send("PATCH", path, #"{"description": null}"#).json
            #expect(cleared["description"]?.isNull == true && cleared["version"]?.int64 == 6)
            let paths = try await api.send("GET", "\(path)/versions/3/diff/6").json["changes"]?.elements
                .compactMap { $0["path"]?.string }
            #expect(paths == ["/condition/value"])
        }
    }

    @Test func `a patch that makes it no trigger is refused with its place`() async throws {
        try await withThreeVersions { api, path in
            let bad = try await api.send("PATCH", path, #"{"condition": {"operator": "near"}, "nonsense": 1}"#)
            try expectProblem(bad, 422, "validation-failed")
            let pointers = try bad.json["errors"]?.elements.compactMap { $0["pointer"]?.string }
            #expect(pointers?.contains("/condition/operator") == true && pointers?.contains("/nonsense") == true)
            try expectProblem(try await api.send("PATCH", path, "[]"), 422, "validation-failed")
            #expect(try await api.send("GET", path).json["version"]?.int64 == 3)
        }
    }

    @Test func `another organization sees none of it, and a key that only reads changes nothing`() async throws {
        try await withTwoOrganizations { one, other in
            let made = try await one.send("POST", "/api/v1/triggers", Self.trigger("mine", over: 1)).json
            let path = "/api/v1/triggers/\(try #require(made["id"]?.string))"
            for (method, end, body) in [
                ("GET", "/versions", nil), ("GET", "/versions/1", nil), ("GET", "/versions/1/diff/1", nil),
                ("POST", "/versions/1/rollback", nil), ("PATCH", "", "{}"), ("GET", "/shadow", nil),
                ("PUT", "/shadow", Self.trigger("mine", over: 2)), ("DELETE", "/shadow", nil),
                ("POST", "/shadow/promote", nil), ("POST", "/backtest", #"{"from": "2026-01-01T00:00:00Z"}"#),
            ] as [(String, String, String?)] {
                try expectProblem(try await other.send(method, path + end, body), 404, "not-found")
            }
        }
        try await withGateway(scopes: [.triggersRead]) { api in
            let path = "/api/v1/triggers/018f0000-0000-7000-8000-000000000000"
            for (method, end) in [
                ("PATCH", ""), ("POST", "/versions/1/rollback"), ("PUT", "/shadow"), ("DELETE", "/shadow"),
                ("POST", "/shadow/promote"), ("POST", "/backtest"),
            ] {
                try expectProblem(try await api.send(method, path + end, "{}"), 403, "missing-scope")
            }
        }
    }
}

@Suite("Shadows of triggers")
struct TriggerShadowTests {
    @Test func `a shadow is a version beside the live one, until it is promoted`() async throws {
        try await withGateway { api in
            let made = try await api.send("POST", "/api/v1/triggers", TriggerVersionTests.trigger("big", over: 100))
                .json
            let path = "/api/v1/triggers/\(try #require(made["id"]?.string))"
            try expectProblem(try await api.send("GET", "\(path)/shadow"), 404, "not-found")

            let masked = TriggerVersionTests.trigger("big", over: 50, secret: "whsec_••••")
            let put = try await api.send("PUT", "\(path)/shadow", masked)
            #expect(put.status == 200, "\(put.text)")
            #expect(try put.json["version"]?.int64 == 2 && put.json["role"]?.string == "shadow")
            #expect(try await api.send("PUT", "\(path)/shadow", masked).json["version"]?.int64 == 2)
            #expect(try await api.send("GET", path).json["condition"]?["value"]?.int64 == 100)
            let shadow = try await api.send("GET", "\(path)/shadow").json
            #expect(shadow["trigger"]?["condition"]?["value"]?.int64 == 50)
            #expect(shadow["differences"]?["only_shadow"]?.int64 == 0)

            let changed = try await api.send("PUT", path, TriggerVersionTests.trigger("big", over: 150)).json
            #expect(changed["version"]?.int64 == 3)
            let promoted = try await api.send("POST", "\(path)/shadow/promote").json
            #expect(promoted["version"]?.int64 == 4 && promoted["condition"]?["value"]?.int64 == 50)
            try expectProblem(try await api.send("GET", "\(path)/shadow"), 404, "not-found")
            try expectProblem(try await api.send("POST", "\(path)/shadow/promote"), 404, "not-found")
        }
    }

    @Test func `a shadow that is ended leaves the live version, and its number is not given again`() async throws {
        try await withGateway { api in
            let made = try await api.send("POST", "/api/v1/triggers", TriggerVersionTests.trigger("big", over: 100))
                .json
            let path = "/api/v1/triggers/\(try #require(made["id"]?.string))"
            let put = try await api.send("PUT", "\(path)/shadow", TriggerVersionTests.trigger("big", over: 50))
            #expect(put.status == 200)
            #expect(try await api.send("DELETE", "\(path)/shadow").status == 204)
            try expectProblem(try await api.send("DELETE", "\(path)/shadow"), 404, "not-found")
            #expect(try await api.send("PATCH", path, #"{"description":"x"}"#).json["version"]?.int64 == 3)
        }
    }

    @Test func `a promotion to a name that is taken is a conflict, and changes nothing`() async throws {
        try await withGateway { api in
            let one = try await api.send("POST", "/api/v1/triggers", TriggerVersionTests.trigger("one", over: 1)).json
            _ = try await api.send("POST", "/api/v1/triggers", TriggerVersionTests.trigger("two", over: 1))
            let path = "/api/v1/triggers/\(try #require(one["id"]?.string))"
            let put = try await api.send("PUT", "\(path)/shadow", TriggerVersionTests.trigger("two", over: 2))
            #expect(put.status == 200)
            try expectProblem(try await api.send("POST", "\(path)/shadow/promote"), 409, "conflict")
            #expect(try await api.send("GET", "\(path)/shadow").status == 200)
        }
    }
}
