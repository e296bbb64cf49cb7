import ArgumentParser
import JSONTree
import Outbound

struct TriggersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "triggers",
        abstract: "Lists, applies, tries, explains and deletes triggers.",
        discussion: """
            EXAMPLES:
              collider triggers apply -f triggers/ --dry-run
              collider triggers test -f triggers/large-payment.yaml events.ndjson
              collider triggers backtest "Large payment" --from 7d
              collider triggers diff "Large payment" 1 2
            """,
        subcommands: [
            List.self, Get.self, TriggersApply.self, Delete.self, TriggersEnable.self, TriggersDisable.self,
            TriggersVersions.self, TriggersDiff.self, TriggersRollback.self, TriggersTest.self, TriggersExplain.self,
            TriggersBacktest.self, TriggersShadow.self,
        ])

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
        @OptionGroup var trigger: NamedTrigger
        @OptionGroup var api: APIAccess

        func run() async throws {
            let found = try await api.withClient { try await trigger.find($0) }
            print(String(decoding: found.json.source, as: UTF8.self))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deletes one trigger; its firings and deliveries stay in the log.",
            discussion: "EXAMPLE:\n  collider triggers delete \"Large payment\"")
        @OptionGroup var trigger: NamedTrigger
        @OptionGroup var api: APIAccess

        func run() async throws {
            let name = try await api.withClient { client in
                let found = try await trigger.find(client)
                _ = try await client.json("DELETE", found.path)
                return found.name
            }
            print("Deleted \(name)")
        }
    }
}

/// The trigger that a command is about.
struct NamedTrigger: ParsableArguments {
    @Argument(help: "Name or id of the trigger.") var trigger: String

    func find(_ client: APIClient) async throws -> ListedTrigger {
        try await TriggerDirectory.load(client).find(trigger)
    }
}

/// A trigger as the list shows it.
struct ListedTrigger: Sendable {
    let json: JSONValue

    var id: String { json["id"]?.string ?? "" }
    var name: String { json["name"]?.string ?? "" }
    var version: Int64 { json["version"]?.int64 ?? 0 }
    /// Where the API has it.
    var path: String { "/api/v1/triggers/\(id)" }
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

    func find(_ nameOrID: String) throws -> ListedTrigger {
        guard let found = all.first(where: { $0["name"]?.string == nameOrID || $0["id"]?.string == nameOrID }) else {
            throw CommandError("no trigger is called \(nameOrID); `collider triggers list` shows them all")
        }
        return ListedTrigger(json: found)
    }
}
