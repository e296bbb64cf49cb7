import ArgumentParser
import Glibc

struct LoginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Logs a person in, and keeps the session as a profile.",
        discussion: """
            The session is kept in $COLLIDER_HOME/profiles.json (mode 0600) and renewed as needed. Other commands use it
            with --profile NAME or COLLIDER_PROFILE; the one called default also where `collider up` left no key.

            EXAMPLES:
              collider login --email alice@example.com
              collider login --email alice@example.com --url https://collider.example.com --profile work
              collider send events.ndjson --profile work
            """)

    @Option(help: "The email address of the account.")
    var email: String
    @Flag(help: "Read the password from the first line of standard input.")
    var passwordStdin = false
    @Option(help: "Base URL of the gateway [default: from $COLLIDER_HOME/credentials.json].")
    var url: String?
    @Option(help: "Id of the organization to speak for [default: the one that you have belonged to longest].")
    var organization: String?
    @Option(help: "Name of the profile.")
    var profile = Profiles.usual

    func run() async throws {
        let home = try await StackSettings.home()
        guard let base = try url ?? Credentials.read(home)?.baseURL else {
            throw CommandError("no gateway known; give --url")
        }
        let opened = try await ProfileSession.open(
            profile, in: home, baseURL: base, email: email, password: try password(), organization: organization)
        try await ContextCommand.show(profile, opened)
    }

    private func password() throws -> String {
        if passwordStdin {
            guard let line = readLine(strippingNewline: true), !line.isEmpty else {
                throw CommandError("standard input has no password")
            }
            return line
        }
        // Written and read on the terminal itself, without showing what is typed.
        guard let typed = getpass("Password: ") else {
            throw CommandError("there is no terminal to ask for a password; give it with --password-stdin")
        }
        defer { memset(typed, 0, strlen(typed)) }
        return String(cString: typed)
    }
}

struct LogoutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout",
        abstract: "Ends the session of a profile, and forgets it.",
        discussion: "EXAMPLES:\n  collider logout\n  collider logout --profile work")

    @Option(help: "Name of the profile.")
    var profile = Profiles.usual
    @Flag(help: "Forget the profile even when the gateway can't be told.")
    var force = false

    func run() async throws {
        let home = try await StackSettings.home()
        if force {
            try await ProfileSession.forget(profile, in: home)
        } else {
            try await ProfileSession.close(profile, in: home)
        }
        print("Logged out of \(profile)")
    }
}
