import ArgumentParser
import EventStore
import Identity
import Runtime

struct PeopleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "people",
        abstract: "Helps people who can't log in.",
        discussion: """
            Works on the database itself, so it needs a running stack on this machine, or DATABASE_URL.

            EXAMPLE:
              collider people reset-password alice@example.com
            """,
        subcommands: [ResetPassword.self])

    struct ResetPassword: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset-password",
            abstract: "Gives somebody a new password, shows it this once, and ends their sessions.",
            discussion: """
                Make sure that it is they who ask. The audit logs of their organizations say that it was done. When they
                have logged in they change it to one of their own.

                EXAMPLE:
                  collider people reset-password alice@example.com
                """)
        @Argument(help: "The email address that they log in with.")
        var email: String

        func run() async throws {
            let database = StackDatabase(settings: try await StackSettings.load())
            let password = GeneratedPassword()
            let hash = try await PasswordHasher().hash(password.text, network: "")
            let actor = try database.operatorOfStack()
            let isKnown = try await database.withPeople {
                try await $0.resetPassword(ofAddress: email, to: hash, by: actor)
            }
            guard isKnown else { throw CommandError("nobody has the address \(email)") }
            print("The password of \(email) is now, shown this once:\n\n  \(password.text)\n")
        }
    }
}

/// A password to be read out and typed once: five groups of four, of letters and digits that nobody mistakes for
/// others; 99 bits.
struct GeneratedPassword {
    static let symbols = Array("abcdefghjkmnpqrstuvwxyz23456789")

    let text: String

    init() {
        var generator = SystemRandomNumberGenerator()
        let groups = (0..<5).map { _ in
            String((0..<4).compactMap { _ in Self.symbols.randomElement(using: &generator) })
        }
        text = groups.joined(separator: "-")
    }
}
