import JSONTree
import Runtime
import TestKit
import Testing

@testable import GatewayProcess

@Suite("The API's description")
struct InterfaceTests {
    @Test func `every route is described, and nothing else is`() async throws {
        let configuration = try ColliderConfiguration.load(environment: [
            "JWT_SECRET": String(repeating: "s", count: 32), "COLLIDER_ENCRYPTION_KEY": testEncryptionKey,
        ])
        let context = ProcessContext(name: "api-gateway", configuration: configuration, logger: testLogger)
        let resources = try await GatewayProcess.parts(context, tuning: GatewayTuning()).resources
        let routes = GatewayServer.table(resources, configuration.server).declared.map(\.name)
        let described = RouteDescriptions.parts.flatMap(\.keys)
        #expect(Set(routes).subtracting(described) == [], "give these a RouteDescription")
        #expect(Set(described).subtracting(routes) == [], "these are described and not declared")
        #expect(Set(described).count == described.count, "a route is described twice")
        let names = RouteDescriptions.all.values.map(\.id)
        #expect(Set(names).count == described.count, "the name of an operation is used twice")
    }

    @Test func `the document is served to everybody, and what it refers to is there`() async throws {
        try await withGateway { gateway in
            let open = HTTPExchange(port: gateway.port)
            let answer = try await open.send("GET", "/openapi.json")
            #expect(answer.status == 200 && answer.headers["content-type"] == "application/json")
            let document = try answer.json
            #expect(document["openapi"]?.string == "3.1.0")
            for reference in Self.references(document) {
                let keys = reference.split(separator: "/").dropFirst().map(String.init)
                #expect(keys.reduce(document as JSONValue?) { $0?[$1] } != nil, "\(reference)")
            }
            #expect(try await open.send("GET", "/api/v1/openapi.json").text == answer.text)
        }
    }

    @Test func `a query parameter is documented if and only if the route reads it`() async throws {
        try await withGateway { gateway in
            let ids = try await Ids(gateway)
            let document = try await gateway.send("GET", "/openapi.json").json
            for operation in try Operation.all(of: document) where operation.topic != "Health" {
                guard operation.path != "/hooks/{key}" else { continue }
                let answer = try await gateway.send(
                    operation.method, "\(ids.path(operation))?no_such_parameter=1",
                    operation.hasBody ? "{}" : nil)
                guard answer.status != 403 || !operation.isForPeople else { continue }
                try expectProblem(answer, 400, "invalid-parameter")
                let known = try answer.json["detail"]?.string?.split(separator: "this route takes ").last
                let names = operation.queryParameters.isEmpty ? ["none"] : operation.queryParameters.sorted()
                #expect(known.map(String.init) == names.joined(separator: ", "), "\(operation.name)")
            }
        }
    }

    @Test func `a member of a body is documented if and only if the route reads it`() async throws {
        try await withGateway { gateway in
            let ids = try await Ids(gateway)
            let document = try await gateway.send("GET", "/openapi.json").json
            var compared = 0
            for operation in try Operation.all(of: document) {
                guard let members = operation.closedBody(in: document) else { continue }
                let answer = try await gateway.send(operation.method, ids.path(operation), #"{"no_such_member":1}"#)
                guard answer.status != 403 || !operation.isForPeople else { continue }
                let problem = try (answer.json["errors"]?.elements).flatMap { Array($0) }?.first {
                    $0["pointer"]?.string == "/no_such_member"
                }
                let known = problem?["detail"]?.string?.split(separator: "known are ").last
                let names = Set(known?.split(separator: ", ").map(String.init) ?? [])
                #expect(names == members, "\(operation.name): \(answer.text)")
                compared += 1
            }
            #expect(compared > 8)
        }
    }

    @Test func `the page for people runs nothing but its own script`() async throws {
        try await withGateway { gateway in
            let answer = try await HTTPExchange(port: gateway.port).send("GET", "/docs")
            #expect(answer.status == 200 && answer.headers["content-type"] == "text/html; charset=utf-8")
            let policy = answer.headers["content-security-policy"] ?? ""
            let nonce = policy.split(separator: "'nonce-").dropFirst().first?.prefix { $0 != "'" } ?? ""
            #expect(nonce.count > 16 && answer.text.contains("<script nonce=\"\(nonce)\">"))
            #expect(!answer.text.contains("://"), "the page loads something from elsewhere")
        }
    }

    private static func references(_ value: JSONValue) -> [String] {
        value.elements.flatMap { references($0) }
            + value.members.flatMap { name, member in
                name == "$ref" ? [member.string].compactMap(\.self) : references(member)
            }
    }
}

/// An operation of the document.
private struct Operation {
    let method: String
    let path: String
    let value: JSONValue

    var name: String { "\(method) \(path)" }
    var topic: String? { value["tags"]?[0]?.string }
    var hasBody: Bool { value["requestBody"] != nil }
    /// Whether a key, with which these tests ask, may be turned away before the request is looked at.
    var isForPeople: Bool {
        let text = value["description"]?.string ?? ""
        return text.contains("For people who have logged in") || text.contains("`organization:own`")
    }

    var queryParameters: [String] {
        let parameters = value["parameters"].map { Array($0.elements) } ?? []
        return parameters.filter { $0["in"]?.string == "query" }.compactMap { $0["name"]?.string }
    }

    /// The members of the JSON body, where others are refused.
    func closedBody(in document: JSONValue) -> Set<String>? {
        var schema = value["requestBody"]?["content"]?["application/json"]?["schema"]
        if let name = schema?["$ref"]?.string?.split(separator: "/").last {
            schema = document["components"]?["schemas"]?[String(name)]
        }
        guard let schema, schema["additionalProperties"]?.bool == false else { return nil }
        return Set(schema["properties"]?.members.map { name, _ in name } ?? [])
    }

    static func all(of document: JSONValue) throws -> [Operation] {
        try #require(document["paths"]).members.flatMap { path, item in
            item.members.map { Operation(method: $0.0.uppercased(), path: path, value: $0.1) }
        }
    }
}

/// Ids of things that are there, so that routes come as far as their parameters.
private struct Ids {
    let trigger: String
    let source: String
    let organization: String

    init(_ gateway: HTTPExchange) async throws {
        trigger = try await Self.made(gateway, "/api/v1/triggers", #"{"name":"Large"}"#)
        source = try await Self.made(
            gateway, "/api/v1/sources", #"{"name":"shop","event_type":"Order","verification":{"scheme":"none"}}"#)
        organization = try #require(try await gateway.send("GET", "/api/v1/auth/me").json["organization_id"]?.string)
    }

    private static func made(_ gateway: HTTPExchange, _ path: String, _ body: String) async throws -> String {
        try #require(try await gateway.send("POST", path, body).json["id"]?.string)
    }

    func path(_ operation: Operation) -> String {
        let id =
            operation.path.contains("/sources/")
            ? source : operation.path.contains("/organizations/") ? organization : trigger
        return operation.path.replacing("{id}", with: id).replacing("{person_id}", with: trigger)
            .replacing("{invitation_id}", with: trigger).replacing("{n}", with: "1").replacing("{m}", with: "1")
            .replacing("{type}", with: "Order")
    }
}
