import ArgumentParser
import JSONTree
import Outbound

struct DeliveriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries",
        abstract: "Lists deliveries and their attempts, retries, replays, cancels and purges them.",
        discussion: """
            A retry is another attempt of the same delivery, under the same id. A replay makes new deliveries that say
            which one they repeat.

            EXAMPLES:
              collider deliveries list --status dead --from 1d
              collider deliveries show 0197a3f2-…
              collider deliveries retry 0197a3f2-…
              collider deliveries replay --status dead --trigger "Large payment" --rate 50
              collider deliveries tail
            """,
        subcommands: [
            List.self, Show.self, Retry.self, DeliveriesReplay.self, Cancel.self, DeliveriesPurge.self,
            DeliveriesTail.self,
        ])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists deliveries, the newest first.",
            discussion: """
                EXAMPLES:
                  collider deliveries list
                  collider deliveries list --status dead --trigger "Large payment" --from 7d
                  collider deliveries list --event 0197a3f2-… --json
                """)
        @OptionGroup var selection: DeliverySelection
        @Option(help: "How many to list (1 to 1000).") var limit = 50
        @Option(help: "Where a list before ended (its next_cursor).") var cursor: String?
        @Flag(help: "As JSON, as the API gives it.") var json = false
        @OptionGroup var api: APIAccess

        func validate() throws {
            guard (1...1_000).contains(limit) else { throw ValidationError("--limit takes 1 to 1000") }
        }

        func run() async throws {
            let page = try await api.withClient { client in
                let query = try await selection.query(client, limit: limit, cursor: cursor)
                return try await client.json("GET", "/api/v1/deliveries?\(query)").root
            }
            if json { return print(page.description) }
            let style = TextStyle.output
            print(DeliveryLine.head)
            page["data"]?.elements.forEach { print(DeliveryLine($0).text(style)) }
            if let next = page["next_cursor"]?.string {
                Terminal.error("There are more; --limit shows up to 1000, --cursor \(next) goes on.\n")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows one delivery with every attempt.",
            discussion: "EXAMPLE:\n  collider deliveries show 0197a3f2-…")
        @OptionGroup var one: OneDelivery
        @Flag(help: "As JSON, as the API gives it.") var json = false
        @OptionGroup var api: APIAccess

        func run() async throws {
            let delivery = try await api.withClient { try await $0.json("GET", one.path).root }
            if json { return print(delivery.description) }
            DeliveryText(delivery, style: .output).lines.forEach { print($0) }
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tries a delivery again that is dead, cancelled or waits, under the same id.",
            discussion: "EXAMPLE:\n  collider deliveries retry 0197a3f2-…")
        @OptionGroup var one: OneDelivery
        @OptionGroup var api: APIAccess

        func run() async throws {
            let delivery = try await api.withClient { try await $0.json("POST", "\(one.path)/retry").root }
            print("\(delivery["id"]?.string ?? one.id) is ready for attempt \((delivery["attempt"]?.int64 ?? 0) + 1)")
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Calls a delivery off that has not come to its end.",
            discussion: "EXAMPLE:\n  collider deliveries cancel 0197a3f2-…")
        @OptionGroup var one: OneDelivery
        @OptionGroup var api: APIAccess

        func run() async throws {
            _ = try await api.withClient { try await $0.json("POST", "\(one.path)/cancel").root }
            print("\(one.id) is cancelled")
        }
    }
}

/// The delivery that a command is about.
struct OneDelivery: ParsableArguments {
    @Argument(help: "Id of the delivery.") var id: String

    var path: String { "/api/v1/deliveries/\(PercentEncoding.encode(id))" }
}

struct DeliveriesPurge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Deletes dead deliveries for good, with their attempts.",
        discussion: """
            With --status cancelled it deletes cancelled ones instead; others can't be deleted.

            EXAMPLES:
              collider deliveries purge --to 30d
              collider deliveries purge --trigger "Large payment" --yes
            """)
    @OptionGroup var selection: DeliverySelection
    @Flag(name: [.short, .long], help: "Do not ask.") var yes = false
    @OptionGroup var api: APIAccess

    func run() async throws {
        guard !selection.isEmpty else {
            throw ValidationError("say which ones; --status dead is all that are dead")
        }
        guard yes || (Terminal.canAsk && Terminal.confirm("Delete them for good?")) else {
            throw CommandError("nothing was deleted; say --yes where nobody can be asked")
        }
        let total = try await api.withClient { client in
            var body = JSONWriter()
            let members = try await selection.members(client)
            body.object {
                $0.key("filter")
                $0.object { $0.members(members) }
            }
            var total: Int64 = 0
            var isComplete = false
            while !isComplete {
                let answer = try await client.json("POST", "/api/v1/deliveries/purge", body: body.bytes).root
                total += answer["purged"]?.int64 ?? 0
                isComplete = answer["complete"]?.bool ?? true
            }
            return total
        }
        print("Deleted \(total) deliveries")
    }
}
