import ArgumentParser
import JSONTree
import Outbound

struct TriggersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "triggers",
        abstract: "Lists, shows, applies and deletes triggers.",
        discussion: """
            EXAMPLES:
              collider triggers list
              collider triggers apply -f triggers/large-payment.yaml
              collider triggers delete "Large payment"
            """,
        subcommands: [List.self, Get.self, Apply.self, Delete.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists all triggers.", discussion: "EXAMPLE:\n  collider triggers list")
        @OptionGroup var api: APIAccess

        func run() async throws {
            let triggers = try await api.withClient { try await TriggerDirectory.load($0) }
            print("ID".padded(to: 38) + "VERSION".padded(to: 9) + "ENABLED".padded(to: 9) + "NAME")
            for trigger in triggers.all {
                let isEnabled = trigger["enabled"]?.bool == true ? "yes" : "no"
                print(
                    (trigger["id"]?.string ?? "").padded(to: 38)
                        + String(trigger["version"]?.int64 ?? 0).padded(to: 9) + isEnabled.padded(to: 9)
                        + (trigger["name"]?.string ?? ""))
            }
        }
    }

    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one trigger as JSON; secrets are masked.",
            discussion: "EXAMPLE:\n  collider triggers get \"Large payment\"")
        @Argument(help: "Name or id.") var trigger: String
        @OptionGroup var api: APIAccess

        func run() async throws {
            let found = try await api.withClient { try await TriggerDirectory.load($0).find(trigger) }
            print(String(decoding: found.source, as: UTF8.self))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deletes one trigger; its firings and deliveries stay in the log.",
            discussion: "EXAMPLE:\n  collider triggers delete \"Large payment\"")
        @Argument(help: "Name or id.") var trigger: String
        @OptionGroup var api: APIAccess

        func run() async throws {
            let name = try await api.withClient { client in
                let found = try await TriggerDirectory.load(client).find(trigger)
                _ = try await client.json("DELETE", "/api/v1/triggers/\(found["id"]?.string ?? "")")
                return found["name"]?.string ?? trigger
            }
            print("Deleted \(name)")
        }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Creates or replaces triggers from a YAML or JSON file.",
            discussion: """
                A file holds one trigger, a list of them, or several YAML documents. Triggers are matched by name, so
                applying a file twice changes nothing the second time.

                EXAMPLES:
                  collider triggers apply -f trigger.yaml
                  generate-triggers | collider triggers apply -f -
                """)
        @Option(name: [.short, .long], help: "A file, or - for standard input.") var file: String
        @OptionGroup var api: APIAccess

        func run() async throws {
            let definitions = try TriggerFile.read(file)
            try await api.withClient { client in
                let existing = try await TriggerDirectory.load(client)
                for definition in definitions {
                    print(try await apply(definition, existing, client))
                }
            }
        }

        private func apply(
            _ definition: JSONValue, _ existing: TriggerDirectory, _ client: APIClient
        ) async throws -> String {
            guard let name = definition["name"]?.string else { throw CommandError("a trigger in \(file) has no name") }
            let body = Array(definition.source)
            guard let old = existing.all.first(where: { $0["name"]?.string == name }), let id = old["id"]?.string else {
                _ = try await client.json("POST", "/api/v1/triggers", body: body)
                return "created    \(name)"
            }
            let new = try await client.json("PUT", "/api/v1/triggers/\(id)", body: body).root
            return new["version"]?.int64 == old["version"]?.int64 ? "unchanged  \(name)" : "replaced   \(name)"
        }
    }
}

/// All triggers of the organization, found by name or id.
struct TriggerDirectory: Sendable {
    let all: [JSONValue]

    static func load(_ client: APIClient) async throws -> TriggerDirectory {
        var all: [JSONValue] = []
        var cursor: String?
        repeat {
            let next = cursor.map { "&cursor=\(PercentEncoding.encode($0))" } ?? ""
            let page = try await client.json("GET", "/api/v1/triggers?limit=1000\(next)").root
            all += page["data"]?.elements.map { $0 } ?? []
            cursor = page["next_cursor"]?.string
        } while cursor != nil
        return TriggerDirectory(all: all)
    }

    func find(_ nameOrID: String) throws -> JSONValue {
        guard let found = all.first(where: { $0["name"]?.string == nameOrID || $0["id"]?.string == nameOrID }) else {
            throw CommandError("no trigger is called \(nameOrID); `collider triggers list` shows them all")
        }
        return found
    }
}
