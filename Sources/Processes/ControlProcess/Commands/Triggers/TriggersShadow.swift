import ArgumentParser
import JSONTree
import Outbound

struct TriggersShadow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shadow",
        abstract: "Runs another version of a trigger beside the live one, without doing anything.",
        discussion: """
            EXAMPLES:
              collider triggers shadow set "Large payment" -f triggers/large-payment.yaml
              collider triggers shadow show "Large payment"
              collider triggers shadow promote "Large payment"
              collider triggers shadow end "Large payment"
            """,
        subcommands: [Set.self, Show.self, End.self, Promote.self])

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Starts a shadow, or replaces the one there is.",
            discussion: "EXAMPLE:\n  collider triggers shadow set \"Large payment\" -f triggers/large-payment.yaml")
        @OptionGroup var trigger: NamedTrigger
        @Option(name: [.short, .long], help: "A file with one trigger; - for standard input.") var file: String
        @OptionGroup var api: APIAccess

        func run() async throws {
            let draft = try TriggerFile.one(file)
            let shadow = try await api.withClient { client in
                try await client.json(
                    "PUT", "\(try await trigger.find(client).path)/shadow", body: Array(draft.source)
                ).root
            }
            print("Version \(shadow["version"]?.int64 ?? 0) runs in shadow of \(trigger.trigger)")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows for which events only the live version, or only the shadow, has fired.",
            discussion: "EXAMPLE:\n  collider triggers shadow show \"Large payment\"")
        @OptionGroup var trigger: NamedTrigger
        @Flag(help: "The answer as JSON, as the API gives it.") var json = false
        @OptionGroup var api: APIAccess

        func run() async throws {
            let shadow = try await api.withClient { client in
                try await client.json("GET", "\(try await trigger.find(client).path)/shadow").root
            }
            if json { return print(shadow.description) }
            print("Version \(shadow["version"]?.int64 ?? 0), in shadow since \(shadow["made_at"]?.string ?? "")")
            guard let differences = shadow["differences"] else { return }
            let count = { (name: String) in differences[name]?.int64 ?? 0 }
            print("both fired   \(count("both"))")
            print("only live    \(count("only_live"))")
            print("only shadow  \(count("only_shadow"))")
            for sample in differences["samples"]?.elements.map({ $0 }) ?? [] {
                let only = "only \(sample["fired"]?.string ?? "")"
                print(
                    "  \(only.padded(to: 13))\(sample["at"]?.string ?? "")  event \(sample["event_id"]?.string ?? "")")
            }
            if differences["truncated"]?.bool == true { print("There are more firings than were compared.") }
        }
    }

    struct End: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends the shadow; the live version stays as it is.",
            discussion: "EXAMPLE:\n  collider triggers shadow end \"Large payment\"")
        @OptionGroup var trigger: NamedTrigger
        @OptionGroup var api: APIAccess

        func run() async throws {
            try await api.withClient { client in
                _ = try await client.json("DELETE", "\(try await trigger.find(client).path)/shadow")
            }
            print("Ended the shadow of \(trigger.trigger)")
        }
    }

    struct Promote: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a live version of what runs in shadow.",
            discussion: "EXAMPLE:\n  collider triggers shadow promote \"Large payment\"")
        @OptionGroup var trigger: NamedTrigger
        @OptionGroup var api: APIAccess

        func run() async throws {
            let live = try await api.withClient { client in
                try await client.json("POST", "\(try await trigger.find(client).path)/shadow/promote").root
            }
            print("\(live["name"]?.string ?? trigger.trigger) is version \(live["version"]?.int64 ?? 0)")
        }
    }
}
