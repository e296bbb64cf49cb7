import ArgumentParser
import EventModel
import EventStore
import JSONTree
import Runtime

struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Creates, lists and revokes API keys.",
        discussion: """
            Works on the database itself, so it needs a running stack on this machine, or DATABASE_URL.

            EXAMPLES:
              collider keys create --organization acme --scopes events:write,events:read
              collider keys list
              collider keys revoke 6f1c0a9be2d84c57
            """,
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Creates a key and shows it, this once.",
            discussion: "EXAMPLE:\n  collider keys create --organization acme --scopes events:write,events:read")
        @Option(help: "Name of the organization; it is created when there is none of that name.")
        var organization: String
        @Option(help: "Scopes, separated by commas: \(Scope.ofKeys.map(\.rawValue).joined(separator: ", ")).")
        var scopes: String
        @Option(help: "A name to recognise the key by.")
        var name = "command line"
        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let chosen = try scopes.split(separator: ",").map { word in
                guard let scope = Scope(rawValue: String(word)), Scope.ofKeys.contains(scope) else {
                    throw ValidationError(
                        "\(word) is not a scope; scopes are \(Scope.ofKeys.map(\.rawValue).joined(separator: ", "))")
                }
                return scope
            }
            let database = StackDatabase(settings: try await StackSettings.load())
            let made = try await database.withKeys { keys in
                try await keys.create(organization: organization, name: name, scopes: Set(chosen))
            }
            guard json else {
                print("API key \(made.id) of \(organization), shown this once:\n\n  \(made.plaintext)\n")
                return
            }
            var writer = JSONWriter()
            writer.object {
                $0.member("id", made.id)
                $0.member("api_key", made.plaintext)
                $0.member("organization_id", made.organizationID.description)
            }
            print(String(decoding: writer.bytes, as: UTF8.self))
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists all keys; the keys themselves cannot be shown again.",
            discussion: "EXAMPLE:\n  collider keys list")

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            let keys = try await database.withKeys { try await $0.list() }
            print("ID".padded(to: 20) + "ORGANIZATION".padded(to: 20) + "STATE".padded(to: 10) + "SCOPES")
            for key in keys {
                let isExpired = key.expiresAt.map { $0 <= .now() } ?? false
                let state = key.revokedAt != nil ? "revoked" : isExpired ? "expired" : "active"
                let scopes = key.scopes.map(\.rawValue).sorted().joined(separator: ",")
                print(key.id.padded(to: 20) + key.organization.padded(to: 20) + state.padded(to: 10) + scopes)
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Revokes a key for good; gateways notice within half a minute.",
            discussion: "EXAMPLE:\n  collider keys revoke 6f1c0a9be2d84c57")
        @Argument(help: "Id of the key, as `collider keys list` shows it.") var id: String

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            guard try await database.withKeys({ try await $0.revoke(id) }) else {
                throw CommandError("no active key has the id \(id); `collider keys list` shows them all")
            }
            print("Revoked \(id)")
        }
    }
}
