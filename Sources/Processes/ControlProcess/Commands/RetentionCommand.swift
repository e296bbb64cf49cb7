import ArgumentParser
import EventModel
import EventStore
import Runtime

struct RetentionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retention",
        abstract: "Shows and sets how long events are kept, and drops what is older.",
        discussion: """
            Events, firings, deliveries and attempts lie in daily partitions that all organizations share. A partition
            is dropped when the policies of all organizations with rows in it let it go, and everything that follows
            the log has read it. The event-processor does so once an hour; `run` does it now.

            Works on the database itself, so it needs a running stack on this machine, or DATABASE_URL.

            EXAMPLES:
              collider retention
              collider retention set --days 90
              collider retention set --days 7 --organization acme
              collider retention set --forever --organization acme
              collider retention run --dry-run
            """,
        subcommands: [Show.self, Set.self, Run.self, Forget.self], defaultSubcommand: Show.self)

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows policies, tables, and what could be dropped when.",
            discussion: "EXAMPLES:\n  collider retention show\n  collider retention show --all")
        @Flag(help: "Show every partition, not only those that could be gone.")
        var all = false

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            let (policies, partitions) = try await database.withRetention {
                (try await $0.policies(), try await $0.partitions())
            }
            print("ORGANIZATION".padded(to: 30) + "KEEPS EVENTS")
            for policy in policies {
                print(policy.organization.padded(to: 30) + (policy.days.map { "\($0) days" } ?? "for ever"))
            }
            print("")
            RetentionTable.printTables(partitions)
            let shown = all ? partitions : partitions.filter { $0.isExpired(at: .now()) }
            guard !shown.isEmpty else { return }
            print("")
            RetentionTable.printPartitions(shown)
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sets how long events are kept.",
            discussion: """
                Without --organization it sets the policy of every organization that there is now; one that is made
                later keeps its events for ever until it is told otherwise. What is older is hidden at once; the space
                is free when all organizations with rows in the same day have let it go.

                EXAMPLES:
                  collider retention set --days 90
                  collider retention set --forever --organization acme
                """)
        @Option(help: "For how many days, from 1 to \(RetentionPolicy.maximumDays).")
        var days: Int32?
        @Flag(help: "Keep them for ever.")
        var forever = false
        @Option(help: "Name of the organization; without it, of all.")
        var organization: String?

        func validate() throws {
            guard (days != nil) != forever else { throw ValidationError("give either --days or --forever") }
            guard (1...RetentionPolicy.maximumDays).contains(days ?? 1) else {
                throw ValidationError("--days must be from 1 to \(RetentionPolicy.maximumDays)")
            }
        }

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            let actor = try database.operatorOfStack()
            let names = try await database.withRetention {
                try await $0.set(days: days, organization: organization, by: actor)
            }
            guard !names.isEmpty else {
                throw CommandError(
                    organization.map { "no organization is called \($0); `collider retention` shows them all" }
                        ?? "there is no organization yet; `collider keys create` makes one")
            }
            let term = days.map { "for \($0) days" } ?? "for ever"
            for name in names { print("\(name) keeps events \(term)") }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Drops now what the policies let go and nothing else holds.",
            discussion: "EXAMPLES:\n  collider retention run --dry-run\n  collider retention run")
        @Flag(help: "Only say what would be dropped.")
        var dryRun = false

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            let isBusy = try await database.withRetention { retention in
                let expired = try await retention.partitions().filter { $0.isExpired(at: .now()) }
                if expired.isEmpty { print("Nothing is old enough to be dropped.") }
                var isBusy = false
                for partition in expired {
                    let name = "\(partition.table) of \(partition.day)"
                    if dryRun {
                        print(partition.hold.map { "held        \(name): \($0)" } ?? "would drop  \(name)")
                        continue
                    }
                    switch try await retention.drop(partition.table, day: partition.day) {
                    case .dropped: print("dropped     \(name)")
                    case .absent: print("gone        \(name)")
                    case .held(let reason): print("held        \(name): \(reason)")
                    case .busy:
                        isBusy = true
                        print("in use      \(name)")
                    }
                }
                return isBusy
            }
            if isBusy { throw CommandError("some partitions were in use at every try; run it again later") }
        }
    }

    struct Forget: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forgets a follower that will not come back, so that it holds nothing any more.",
            discussion: """
                A ring that was given up is such a follower. One that moved within the last hour is refused, and so are
                the event-processor's own.

                EXAMPLE:
                  collider retention forget collider-writer:/dev/shm/old
                """)
        @Argument(help: "Its name, as `collider retention` shows it.")
        var follower: String

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            guard try await database.withRetention({ try await $0.forget(follower: follower) }) else {
                throw CommandError(
                    "\(follower) was not forgotten: it is not there, it moved within the last hour, or it is needed")
            }
            print("Forgot \(follower)")
        }
    }
}

/// Partitions as text.
private enum RetentionTable {
    static func printTables(_ partitions: [PartitionState]) {
        print(
            "TABLE".padded(to: 18) + "DAYS".padded(to: 6) + "OLDEST".padded(to: 12) + "NEWEST".padded(to: 12)
                + "ROWS (ABOUT)".padded(to: 14) + "SIZE".padded(to: 12) + "NEXT DROP")
        let now = Timestamp.now()
        for (table, days) in Dictionary(grouping: partitions, by: \.table).sorted(by: { $0.key < $1.key }) {
            let rows = days.reduce(0) { $0 + $1.estimatedRows }
            let bytes = days.reduce(0) { $0 + $1.bytes }
            let next = days.compactMap { if case .at(let moment) = $0.expiry { moment } else { nil } }.min()
            print(
                table.padded(to: 18) + "\(days.count)".padded(to: 6) + (days.first?.day ?? "").padded(to: 12)
                    + (days.last?.day ?? "").padded(to: 12) + "\(rows)".padded(to: 14) + size(bytes).padded(to: 12)
                    + (next.map { $0 <= now ? "now" : String($0.rfc3339.prefix(10)) } ?? "never"))
        }
    }

    static func printPartitions(_ partitions: [PartitionState]) {
        print(
            "PARTITION".padded(to: 30) + "ROWS (ABOUT)".padded(to: 14) + "SIZE".padded(to: 12)
                + "LET GO".padded(to: 12) + "HELD BECAUSE")
        for partition in partitions {
            let expiry =
                switch partition.expiry {
                case .open: "-"
                case .never: "never"
                case .at(let moment): String(moment.rfc3339.prefix(10))
                }
            print(
                "\(partition.table) \(partition.day)".padded(to: 30) + "\(partition.estimatedRows)".padded(to: 14)
                    + size(partition.bytes).padded(to: 12) + expiry.padded(to: 12) + (partition.hold ?? ""))
        }
    }

    private static func size(_ bytes: Int64) -> String {
        bytes < 10_485_760 ? "\(bytes / 1_024) KiB" : "\(bytes / 1_048_576) MiB"
    }
}
