import EventStore
import JSONTree
import Testing

@Suite("Sources over HTTP")
struct SourceTests {
    private static let secret = "It's a Secret to Everybody"

    private static func source(_ name: String, secret: String = secret) -> String {
        """
        {"name": "\(name)", "event_type": {"header": "X-GitHub-Event"},
         "verification": {"scheme": "github", "secrets": ["\(secret)"]}}
        """
    }

    @Test func `a source is created, listed, read, replaced and deleted`() async throws {
        try await withGateway { api in
            let created = try await api.send("POST", "/api/v1/sources", Self.source("github"))
            #expect(created.status == 201, "\(created.text)")
            let id = try #require(try created.json["id"]?.string)
            let path = try #require(try created.json["hook_path"]?.string)
            #expect(created.headers["location"] == "/api/v1/sources/\(id)")
            #expect(path.hasPrefix("/hooks/") && path.count == 39 && !path.contains(id))
            let list = try await api.send("GET", "/api/v1/sources").json
            #expect(list["data"]?.count == 1 && list["next_cursor"]?.isNull == true)
            let read = try await api.send("GET", "/api/v1/sources/\(id)")
            #expect(read.text == created.text)

            // What was got is put back: the masked secret stays, and so does the path.
            let replaced = try await api.send(
                "PUT", "/api/v1/sources/\(id)", read.text.replacing("github\",\"en", with: "g\",\"en"))
            #expect(replaced.status == 200, "\(replaced.text)")
            #expect(try replaced.json["name"]?.string == "g" && replaced.json["hook_path"]?.string == path)

            #expect(try await api.send("DELETE", "/api/v1/sources/\(id)").status == 204)
            for (method, body) in [("GET", nil), ("DELETE", nil), ("PUT", Self.source("x"))] {
                try expectProblem(try await api.send(method, "/api/v1/sources/\(id)", body), 404, "not-found")
            }
        }
    }

    @Test func `secrets are masked in every answer, and in what is refused`() async throws {
        try await withGateway { api in
            let created = try await api.send("POST", "/api/v1/sources", Self.source("a"))
            let id = try #require(try created.json["id"]?.string)
            let answers = [
                created, try await api.send("GET", "/api/v1/sources/\(id)"),
                try await api.send("GET", "/api/v1/sources"),
                try await api.send("PUT", "/api/v1/sources/\(id)", Self.source("b")),
                try await api.send("POST", "/api/v1/sources", Self.source("b")),
                try await api.send("POST", "/api/v1/sources", Self.source("")),
                try await api.send("POST", "/api/v1/sources", Self.source("c", secret: Self.secret + " ")),
            ]
            #expect(answers.map(\.status) == [201, 200, 200, 200, 409, 422, 422])
            for answer in answers { #expect(!answer.text.contains("Secret to")) }
            #expect(try created.json["verification"]?["secrets"]?[0]?.string == "#1 ••••")
        }
    }

    @Test func `reading and writing need their scopes`() async throws {
        try await withGateway(scopes: [.sourcesRead]) { api in
            #expect(try await api.send("GET", "/api/v1/sources").status == 200)
            let answer = try await api.send("POST", "/api/v1/sources", Self.source("a"))
            try expectProblem(answer, 403, "missing-scope")
            #expect(try answer.json["scope"]?.string == "sources:write")
        }
        try await withGateway(scopes: [.sourcesWrite]) { api in
            try expectProblem(try await api.send("GET", "/api/v1/sources"), 403, "missing-scope")
            #expect(try await api.send("POST", "/api/v1/sources", Self.source("a")).status == 201)
        }
    }

    @Test func `lists go on where the cursor says`() async throws {
        try await withGateway { api in
            for name in ["a", "b", "c"] {
                #expect(try await api.send("POST", "/api/v1/sources", Self.source(name)).status == 201)
            }
            let first = try await api.send("GET", "/api/v1/sources?limit=2").json
            let cursor = try #require(first["next_cursor"]?.string)
            let second = try await api.send("GET", "/api/v1/sources?limit=2&cursor=\(cursor)").json
            let names = [first, second].flatMap { $0["data"]?.elements.compactMap { $0["name"]?.string } ?? [] }
            #expect(names.sorted() == ["a", "b", "c"] && second["next_cursor"]?.isNull == true)
        }
    }

    @Test func `one organization sees and changes no source of another`() async throws {
        try await withTwoOrganizations { one, other in
            let made = try await one.send("POST", "/api/v1/sources", Self.source("mine")).json
            let id = try #require(made["id"]?.string)
            for (method, body) in [("GET", nil), ("DELETE", nil), ("PUT", Self.source("x"))] {
                try expectProblem(try await other.send(method, "/api/v1/sources/\(id)", body), 404, "not-found")
            }
            #expect(try await other.send("GET", "/api/v1/sources").json["data"]?.count == 0)
            // The name is free there.
            #expect(try await other.send("POST", "/api/v1/sources", Self.source("mine")).status == 201)
        }
    }
}
