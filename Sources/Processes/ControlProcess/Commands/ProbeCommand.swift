import ArgumentParser

/// The health check of the container images, which hold no curl.
struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Asks a service on this machine whether it is ready; exits with 0 when it is.",
        discussion: "EXAMPLE:\n  collider probe 8080")

    @Argument(help: "Port of the service's HTTP server.")
    var port: Int

    func run() async throws {
        guard let status = await Probe.statusCode(port: port) else {
            throw CommandError("nothing answers on port \(port)")
        }
        guard status == 200 else { throw CommandError("port \(port) answers \(status)") }
    }
}
