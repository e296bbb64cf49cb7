import ArgumentParser
import Runtime

/// The health check of the container images, which hold no curl.
struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Asks a service on this machine whether it is ready; exits with 0 when it is.",
        discussion: """
            Where the port is that of a gateway that speaks TLS, its port for health and metrics is asked.

            EXAMPLE:
              collider probe 8080
            """)

    @Argument(help: "Port of the service's HTTP server.")
    var port: Int

    func run() async throws {
        let configuration = try await ColliderConfiguration.load()
        let port = port == configuration.server.port ? configuration.gatewayHealthPort : port
        guard let status = await Probe.statusCode(port: port) else {
            throw CommandError("nothing answers on port \(port)")
        }
        guard status == 200 else { throw CommandError("port \(port) answers \(status)") }
    }
}
