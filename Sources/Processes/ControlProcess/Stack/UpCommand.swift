import ArgumentParser
import Glibc
import Logging
import Runtime
import SystemPackage

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Starts the whole stack and waits until it is healthy.",
        discussion: """
            Starts a private PostgreSQL and a private Redis (not when DATABASE_URL or REDIS_URL is set), applies
            migrations, makes a first API key, and starts the four services. All state lives in $COLLIDER_HOME
            (.collider by default). A service that dies is started again. `collider down` stops it all; data stays.

            EXAMPLES:
              collider up
              COLLIDER_HOME=/srv/collider SERVER_PORT=9000 collider up --foreground
            """)

    @Flag(help: "Stay in the foreground and log to standard output.")
    var foreground = false

    @Flag(help: .hidden)
    var detached = false

    func run() async throws {
        let settings = try await StackSettings.load()
        let home = settings.home
        try home.create()
        if try SupervisorLock.holder(home) != nil, !detached {
            return try announceRunning(home)
        }
        guard foreground || detached else { return try launch(home, settings) }
        let supervisor = Supervisor(home: home, settings: settings) { line in Terminal.line("  \(line)") }
        do {
            try await supervisor.run { credentials in
                Self.announce(credentials)
                if detached { try Self.leaveTerminal(home) }
            }
        } catch {
            // Standard output is where the waiting `up` reads; standard error is the log by now.
            if detached { Terminal.line("error: \(error)") }
            throw error
        }
    }

    private func launch(_ home: Home, _ settings: StackSettings) throws {
        try settings.checkPorts()
        Terminal.line("Starting Collider in \(home.path)")
        let log = home.logs.appending("supervisor.log")
        guard try Detached.launch(executable: Executables.own, arguments: ["up", "--detached"], log: log) else {
            throw ExitCode(1)
        }
    }

    private func announceRunning(_ home: Home) throws {
        guard let credentials = try Credentials.read(home) else {
            throw CommandError("another `collider up` is starting this stack; `collider status` shows how far it is")
        }
        Terminal.line("Collider is already running in \(home.path)")
        Self.announce(credentials)
    }

    private static func announce(_ credentials: Credentials) {
        Terminal.line(
            """

            Collider is up.

              API        \(credentials.baseURL)/api/v1
              API docs   \(credentials.baseURL)/docs
              Health     \(credentials.baseURL)/api/v1/health
              API key    \(credentials.apiKey)

            A first event:

              curl -s \(credentials.baseURL)/api/v1/events \\
                -H 'Authorization: Bearer \(credentials.apiKey)' \\
                -H 'Content-Type: application/json' \\
                -d '{"type":"UserSignup","data":{"email":"alice@example.com"}}'

            `collider status` shows the processes, `collider down` stops them.
            """)
    }

    /// Puts the log in the place of standard output, which tells the waiting `up` that the stack is ready.
    private static func leaveTerminal(_ home: Home) throws {
        let log = try LogFile.open(home.logs.appending("supervisor.log"))
        Terminal.line(Detached.readyMark)
        dup2(log.rawValue, 1)
        try log.close()
    }
}
