import ArgumentParser
import Runtime
import SystemPackage

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows each process of the stack and whether it is ready.",
        discussion: """
            Exits with 0 when everything is ready, and with 1 when something is not.

            EXAMPLES:
              collider status
              until collider status >/dev/null; do sleep 1; done
            """)

    func run() async throws {
        let settings = try await StackSettings.load()
        let home = settings.home
        var allReady = true
        print("Collider in \(home.path)\n")
        print(Self.row("PROCESS", "PID", "STATE"))
        for name in StackSettings.stopOrder.reversed() + ["supervisor"] {
            let record = try ProcessRecord.read(Keeper.record(of: name, in: home)).flatMap { $0.isAlive ? $0 : nil }
            let state: String
            if StackSettings.serviceNames.contains(name) {
                let isReady = await settings.isReady(name)
                state = isReady ? "ready" : record == nil ? "stopped" : "not ready (log: \(home.logs)/\(name).log)"
                allReady = allReady && isReady
            } else {
                state = record == nil ? "not run by this home" : "running"
            }
            print(Self.row(name, record.map { String($0.pid) } ?? "-", state))
        }
        guard allReady else { throw ExitCode(1) }
    }

    private static func row(_ name: String, _ pid: String, _ state: String) -> String {
        name.padded(to: 18) + pid.padded(to: 10) + state
    }
}

extension String {
    /// Filled up with spaces to a column's width.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
