import ArgumentParser
import ColliderProcess

@main
struct ColliderWriter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collider-writer",
        abstract: "Writes a frame of every event into the shared-memory ring.",
        discussion: """
            Read from the environment or .env: RING_PATH, RING_CAPACITY, DATABASE_URL or DB_HOST, DB_PORT, DB_NAME, \
            DB_USER, DB_PASSWORD and DB_MAX_CONNECTIONS, WRITER_METRICS_PORT, LOG_LEVEL, LOG_FORMAT; see .env.example.
            """,
        version: ColliderProcess.version)

    func run() async {
        await ColliderProcess.run()
    }
}
