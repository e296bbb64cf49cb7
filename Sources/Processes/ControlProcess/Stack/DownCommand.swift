import ArgumentParser
import Glibc
import Runtime
import SystemPackage

struct DownCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stops what `collider up` started; data stays.",
        discussion: """
            Events in hand are finished before the services end.

            EXAMPLES:
              collider down
              collider down --remove-data      also deletes the database, Redis data, logs and credentials
            """)

    @Flag(help: "Also delete everything in $COLLIDER_HOME.")
    var removeData = false

    func run() async throws {
        let settings = try await ColliderConfiguration.load()
        let home = try Home(settings.home)
        if let supervisor = try SupervisorLock.holder(home) {
            print("Stopping Collider in \(home.path)")
            try await supervisor.end(with: SIGTERM, waiting: .seconds(90))
        }
        var ended = 0
        for name in StackSettings.stopOrder {
            guard let record = try ProcessRecord.read(Keeper.record(of: name, in: home)), record.isAlive else {
                continue
            }
            try await record.end(with: name == "postgres" ? SIGINT : SIGTERM, waiting: .seconds(30))
            ended += 1
        }
        if ended > 0 { print("Ended \(ended) processes that had lost their supervisor") }
        print("Collider is down.")
        if removeData { try await remove(home, ring: settings.ring.path) }
    }

    private func remove(_ home: Home, ring: String) async throws {
        // A home that was never made has no ring either; the one at that path is somebody else's.
        guard Files.exists(home.path) else { return }
        for folder in PostgresServer.dataFolders(of: home) + [home.path, FilePath(ring)] where Files.exists(folder) {
            try await Files.removeTree(folder)
            print("Removed \(folder)")
        }
        for companion in ["lock", "positions"] {
            try await Files.removeTree(FilePath("\(ring).\(companion)"))
        }
    }
}
