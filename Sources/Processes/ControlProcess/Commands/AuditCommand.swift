import ArgumentParser
import EventStore

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Checks the log of who changed what.",
        discussion: """
            Works on the database itself, so it needs a running stack on this machine, or DATABASE_URL and JWT_SECRET.

            EXAMPLE:
              collider audit verify
            """,
        subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Follows the chain of every organization's log, and names the first entry that does not fit.",
            discussion: """
                Keep the last HMAC elsewhere: a database that is set back whole to an earlier state is found out by it
                and by nothing else.

                EXAMPLES:
                  collider audit verify
                  collider audit verify --organization acme
                """)
        @Option(help: "Name of the organization; without it, all.")
        var organization: String?

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            let found = try await database.withAudit { try await $0.verify(organization: organization) }
            guard !found.isEmpty else {
                throw CommandError(
                    organization.map { "no organization is called \($0)" } ?? "there is no organization yet")
            }
            print("ORGANIZATION".padded(to: 30) + "ENTRIES".padded(to: 10) + "STATE".padded(to: 10) + "LAST HMAC")
            for log in found {
                print(
                    log.organization.padded(to: 30) + "\(log.entries)".padded(to: 10)
                        + (log.flaw == nil ? "whole" : "broken").padded(to: 10) + log.head)
            }
            let flaws = found.compactMap { log in log.flaw.map { "\(log.organization): \($0)" } }
            guard flaws.isEmpty else { throw CommandError(flaws.joined(separator: "\n")) }
        }
    }
}
