import ArgumentParser

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Applies the database migrations that are missing.",
        discussion: """
            Safe to run twice, and from several machines at once: one applies, the others wait and find nothing to do.
            Works on DATABASE_URL (or DB_*) when given, else on the private database of a running stack. With
            --service-login, also lets that account (made when it is missing, with DB_SERVICE_PASSWORD as password)
            take on the services' roles; it owns nothing and sees only what row-level security shows it.

            EXAMPLES:
              collider migrate
              DATABASE_URL=postgres://owner:…@db/collider DB_SERVICE_PASSWORD=… \\
                collider migrate --service-login collider_service
            """)

    @Option(help: "Account that the services log in with.")
    var serviceLogin: String?

    func run() async throws {
        let database = StackDatabase(settings: try await StackSettings.load())
        try await database.waitUntilReachable([])
        let applied = try await database.migrate(serviceLogin: serviceLogin)
        print(applied == 0 ? "The database is up to date." : "Applied \(applied) migrations.")
    }
}
